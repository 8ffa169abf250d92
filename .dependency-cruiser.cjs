/**
 * The layers of docs/architecture.md: imports go downwards only.
 *
 *   cli → operations → {producers, processors, sinks} → {models, log, codec, ledger, postgres} → record → errors, backoff
 *
 * telemetry is beside the lower layers, for everything from the three upwards. registry wraps a log and a codec for
 * the composition root alone. Types count as imports.
 */
const BASE = ['record', 'errors\\.ts', 'backoff\\.ts'];
const LOWER = ['models', 'log', 'codec', 'ledger', 'postgres', ...BASE];
const MIDDLE = ['producers', 'processors', 'sinks'];

/** What each layer may import beside itself. What is not here must not be imported. */
const MAY_IMPORT = {
  'errors\\.ts': [],
  'backoff\\.ts': [],
  record: ['errors\\.ts'],
  telemetry: BASE,
  models: BASE,
  log: BASE,
  codec: BASE,
  ledger: ['log', 'codec', ...BASE],
  postgres: BASE,
  registry: ['log', 'codec', ...BASE],
  producers: [...LOWER, 'telemetry'],
  processors: [...LOWER, 'telemetry'],
  sinks: [...LOWER, 'telemetry'],
  operations: [...MIDDLE, ...LOWER, 'telemetry'],
  cli: ['operations', ...MIDDLE, ...LOWER, 'registry', 'telemetry'],
  'index\\.ts': ['operations', ...MIDDLE, ...LOWER, 'telemetry'],
};

/** `^src/record/` or `^src/errors\.ts$` */
function pathOf(layer) {
  return layer.endsWith('\\.ts') ? `^src/${layer}$` : `^src/${layer}/`;
}

const layerRules = Object.entries(MAY_IMPORT).map(([layer, allowed]) => ({
  name: `layer-${layer.replace('\\.ts', '')}`,
  severity: 'error',
  comment: `${layer} may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ').replaceAll('\\', '')}.`,
  from: { path: pathOf(layer) },
  to: { path: '^src/', pathNot: [layer, ...allowed].map(pathOf) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'every-layer-has-rules',
      severity: 'error',
      comment: 'A new folder or file under src/ needs its line in MAY_IMPORT.',
      from: { path: '^src/', pathNot: Object.keys(MAY_IMPORT).map(pathOf) },
      to: {},
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'A cycle means that two files are one, or that a piece of both belongs beneath them.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'ports-stand-alone',
      severity: 'error',
      comment: 'A port is known to its adapters, never the other way round.',
      from: { path: '^src/[^/]+/port\\.ts$' },
      to: { path: '^src/', pathNot: ['^src/record/', '^src/errors\\.ts$', '^src/[^/]+/port\\.ts$'] },
    },
    {
      name: 'declared-dependencies-only',
      severity: 'error',
      comment: 'What src/ imports must be in dependencies: the packed tarball brings nothing else.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    {
      name: 'source-is-not-for-tests',
      severity: 'error',
      comment: 'src/ stands without tests, benches and scripts.',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts|examples)/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
