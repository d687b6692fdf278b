import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Every folder of `src/` and the folders it may import from: the order of dependence, lowest first. */
const MAY_IMPORT = {
  common: [],
  formats: [],
  graph: [],
  solver: [],
  run: [],
  model: ['formats', 'graph'],
  target: ['formats', 'graph', 'model', 'run'],
  search: ['formats', 'graph', 'solver', 'run', 'model', 'target'],
  worker: ['formats', 'graph', 'solver', 'run', 'model', 'target', 'search', 'protocol'],
  cli: ['formats', 'graph', 'solver', 'run', 'model', 'target', 'search', 'worker'],
  protocol: [],
  // Of the search only what neither loads a native module nor reads a weight: see docs/architecture.md.
  extension: ['formats', 'run', 'model', 'search', 'protocol'],
};

/** Packages that exactly one folder may import. */
const OWNED_PACKAGES = { 'onnxruntime-node': 'graph', 'glpk.js': 'solver', vscode: 'extension' };

const folderRules = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  files: [`src/${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        paths: Object.entries(OWNED_PACKAGES)
          .filter(([, owner]) => owner !== folder)
          .map(([name, owner]) => ({ name, message: `Only src/${owner} may import ${name}.` })),
        patterns: Object.keys(MAY_IMPORT)
          .filter(
            (other) => other !== folder && !(other === 'common' && folder !== 'protocol') && !allowed.includes(other),
          )
          .map((other) => ({
            group: [`../${other}/*`, `../../${other}/*`],
            message: `src/${folder} must not depend on src/${other} (order of dependence).`,
          })),
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.puzzle/', '**/.puzzle/', '.scratch/'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ['**/*.{ts,tsx}'] })),
  {
    files: ['**/*.{ts,tsx}'],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json', './webview/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'No default exports: name what you export.' },
        { selector: 'ExportAllDeclaration', message: 'No barrel files: import from the file that defines it.' },
      ],
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
    },
  },
  {
    // node:test's describe/it return promises that the runner itself awaits.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['describe', 'it', 'test'] }] },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  ...folderRules,
  {
    files: ['webview/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '/src/(?!protocol/)', message: 'The panel imports nothing of src/ but the protocol.' }] },
      ],
    },
  },
);
