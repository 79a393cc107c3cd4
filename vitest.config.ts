import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{reference,conformance,vectors,bench,docs,tools,spec}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    coverage: { provider: 'v8', include: ['reference/**/*.ts'], exclude: ['**/*.test.ts'] },
  },
});
