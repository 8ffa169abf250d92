/** sleeper-fixture.ts FOLDER [PORT]: a server that only runs; with a port it answers `ok` over HTTP. */
import { createServer } from 'node:http';

const port = process.argv[3];
if (port === undefined) setInterval(() => undefined, 60_000);
else createServer((_request, response) => response.end('ok')).listen(Number(port), '127.0.0.1');
