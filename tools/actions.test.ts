import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { packageRoot } from '../conformance/assets.ts';

const root = packageRoot();
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
const step = z.object({ name: z.string().optional(), run: z.string().optional(), if: z.string().optional() });
const workflow = z
  .object({ jobs: z.record(z.string(), z.object({ steps: z.array(step) })) })
  .parse(parse(readFileSync(join(root, 'docs', 'examples', 'github-actions.yml'), 'utf8')));

const top = mkdtempSync(join(tmpdir(), 'strongroom-actions-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

/**
 * Runs the steps of a job as a runner of GitHub does. npx is this checkout, and asks one case alone.
 *
 * @returns the exit code of each step with a name, and what the job shows
 */
function play(job: string, one: string, edit: (script: string) => string): [Record<string, number>, string] {
  const folder = join(top, job);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const npx = `#!/bin/sh
[ "$1 $2" = "--yes strongroom-conformance@${version}" ] || exit 99
shift 2; exec '${process.execPath}' '${join(root, 'conformance', 'cli.ts')}' "$@" --case ${one}
`;
  writeFileSync(join(bin, 'npx'), npx, { mode: 0o755 });
  const summary = join(folder, 'summary');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, GITHUB_STEP_SUMMARY: summary };
  const codes: Record<string, number> = {};
  let failed = false;
  for (const { name, run, if: always } of workflow.jobs[job]?.steps ?? []) {
    if (run === undefined || name === undefined || (failed && always !== 'always()')) continue;
    const shell = spawnSync('bash', ['-e', '-c', edit(run)], { cwd: folder, env, stdio: 'ignore' });
    codes[name] = shell.status ?? -1;
    failed ||= shell.status !== 0;
  }
  return [codes, readFileSync(summary, 'utf8')];
}

test('the job for adapters builds, tests, and shows what came of it', () => {
  const folder = join(top, 'adapter');
  mkdirSync(folder);
  const adapter = join(root, 'conformance', 'adapters', 'reference.ts');
  const makefile = `adapter:\n\tprintf '#!/bin/sh\\nexec ${process.execPath} ${adapter}\\n' > adapter; chmod +x adapter\n`;
  writeFileSync(join(folder, 'Makefile'), makefile);
  const [codes, shown] = play('adapter', 'header.blob', (script) => script);
  // All cases but one did not run, so that the claim does not hold: the job has to fail, and to say so.
  expect(codes).toEqual({ 'Build, yours': 0, Test: 6, Show: 0 });
  expect(shown).toMatch(/container-reader/u);
});

test('the job for vaults waits for the vault, and tests it at its address', async () => {
  const folder = join(top, 'vault');
  mkdirSync(folder);
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const vault = `
    import { writeFileSync } from 'node:fs';
    import { initVault, serveVault } from '${join(root, 'reference', 'vault', 'index.ts')}';
    const [folder, port] = ['state', Number(process.argv[3])];
    await initVault({ folder, port });
    await serveVault({ folder, log: () => undefined });
    writeFileSync('pid', String(process.pid));`;
  writeFileSync(join(folder, 'vault.mts'), vault);
  const start = `#!/bin/sh\nexec '${process.execPath}' vault.mts "$@"\n`;
  writeFileSync(join(folder, 'my-vault'), start, { mode: 0o755 });
  const [codes, shown] = play('vault', 'vault.recover', (script) => script.replaceAll('8787', String(port)));
  process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')));
  expect(codes, readFileSync(join(folder, 'vault.log'), 'utf8')).toEqual({
    'Start, yours': 0,
    Test: 0,
    Show: 0,
  });
  expect(shown).toMatch(/vault-server/u);
});
