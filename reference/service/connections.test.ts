import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { initVault } from '../vault/init.ts';

const CHILD = fileURLToPath(new URL('../vault/testing/serve-child.ts', import.meta.url));
const children: ChildProcess[] = [];
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-files-'));
  await initVault({ folder });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A vault that may open so many files. */
function serve(files: number): { child: ChildProcess; url: Promise<string>; ended: Promise<string> } {
  const command = `ulimit -n ${files}; exec "$0" "$1" "$2"`;
  const child = spawn('sh', ['-c', command, process.execPath, CHILD, folder]);
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += String(data)));
  children.push(child);
  const ended = new Promise<string>((resolve) => child.once('close', () => resolve(stderr)));
  const url = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const event = JSON.parse(line) as { msg?: string; url?: string };
      if (event.msg === 'listening' && event.url !== undefined) resolve(event.url);
    });
    ended.then((text) => reject(new Error(text)), reject);
  });
  url.catch(() => {});
  return { child, url, ended };
}

afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

describe('few open files', () => {
  // proves HTP-19
  it('are enough for as many clients as there are files left', async () => {
    const { child, url, ended } = serve(64);
    const address = await url;
    const agent = new Agent({ keepAlive: true, maxSockets: 12 });
    const status = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = get(`${address}/v1/fleet`, { agent }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode));
        });
        asked.once('error', reject);
      });
    for (let round = 0; round < 5; round++) {
      const answers = Array.from({ length: 12 }, status);
      expect(await Promise.all(answers)).toEqual(answers.map(() => 200));
    }
    agent.destroy();
    child.kill('SIGTERM');
    expect(await ended).toBe('');
  });

  // proves HTP-16
  it('that leave no room for connections are named, and nothing is served', async () => {
    const { url, ended } = serve(40);
    await expect(url).rejects.toThrow();
    expect(await ended).toMatch(/open files[\s\S]*invalid-config/u);
  });
});
