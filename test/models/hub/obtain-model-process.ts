/** A process that obtains owner/name: `node obtain-model-process.ts ENDPOINT CACHE`. It prints what it is told. */
import { obtainModel } from '../../../src/models/hub/obtain-model.ts';
import { hubSettings } from '../../../src/models/hub/settings.ts';

const [endpoint = '', cache = ''] = process.argv.slice(2);
await obtainModel(
  { repository: 'owner/name', revision: 'main' },
  {
    hub: hubSettings({ HF_ENDPOINT: endpoint, HF_HUB_CACHE: cache }, '/nowhere'),
    name: 'owner--name',
    settings: {},
    download: 'weights',
    client: { stallMs: 1500, backoffMs: 1 },
    reporter: { say: (line) => process.stdout.write(`${line}\n`) },
  },
);
