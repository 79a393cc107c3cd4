/**
 * A vault in a process of its own, an attack in another, and honest clients in this one: what they see, and what it
 * costs the vault.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { InitResult } from '../init.ts';
import { HttpFleet } from '../testing/http-account.ts';

const SERVE = fileURLToPath(new URL('../testing/serve-child.ts', import.meta.url));
const ATTACKS = fileURLToPath(new URL('attacks.ts', import.meta.url));
/** Tries of an honest client for one request, so many milliseconds apart. */
const TRIES = 4;
const PAUSE = 300;
const CLIENTS = 4;

/** What honest clients saw, and what the vault took. */
export interface Figures {
  /** Requests that honest clients wanted answered. */
  readonly wanted: number;
  /** Of them: answered at the first try, and answered at all. */
  readonly first: number;
  readonly answered: number;
  /** Milliseconds of those that were answered at the first try. */
  readonly median: number;
  readonly worst: number;
  /** Largest memory of the vault so far, in MiB; NaN where the system does not tell. */
  readonly peak: number;
}

/** A vault that can be attacked. */
export class Target {
  readonly #child: ChildProcess;
  readonly #fleet: HttpFleet;
  readonly port: number;

  private constructor(child: ChildProcess, fleet: HttpFleet, port: number) {
    this.#child = child;
    this.#fleet = fleet;
    this.port = port;
  }

  /** @param files most files that it may have open */
  static async open(folder: string, pins: InitResult, files = 8192): Promise<Target> {
    const command = `ulimit -n ${files}; exec "$0" "$@"`;
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = spawn('sh', ['-c', command, process.execPath, SERVE, folder], { stdio: [...stdio] });
    const url = await new Promise<string>((resolve, reject) => {
      child.once('close', () => reject(new Error('the vault has ended')));
      createInterface(child.stdout).on('line', (line) => {
        const event = JSON.parse(line) as { msg?: string; url?: string };
        if (event.msg === 'listening' && event.url !== undefined) resolve(event.url);
      });
    });
    return new Target(child, await HttpFleet.open(url, pins), Number(new URL(url).port));
  }

  /** Attacks for some seconds, and asks honestly meanwhile. */
  async under(attack: string, seconds: number): Promise<Figures> {
    const attacker = spawn(process.execPath, [ATTACKS, attack, String(this.port), String(seconds)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = once(attacker, 'close');
    await new Promise((resolve) => setTimeout(resolve, 500)); // it has begun by then
    const until = performance.now() + 1000 * seconds - 700;
    const asked = await Promise.all(
      Array.from({ length: CLIENTS }, (_, i) => this.#ask(`honest ${i}`, until)),
    );
    await ended;
    const all = asked.flat();
    const direct = all.filter(({ tries }) => tries === 1).map(({ milliseconds }) => milliseconds);
    const sorted = direct.toSorted((a, b) => a - b);
    return {
      wanted: all.length,
      first: direct.length,
      answered: all.filter(({ tries }) => tries <= TRIES).length,
      median: Math.round(sorted[sorted.length >> 1] ?? Number.NaN),
      worst: Math.round(sorted.at(-1) ?? Number.NaN),
      peak: this.#peak(),
    };
  }

  /** Ends it in order. */
  async close(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await ended;
  }

  /** Asks for the status of an account again and again; `tries` is more than there are if nothing was answered. */
  async #ask(name: string, until: number): Promise<{ tries: number; milliseconds: number }[]> {
    const account = this.#fleet.account(name);
    const asked: { tries: number; milliseconds: number }[] = [];
    while (performance.now() < until) {
      const begun = performance.now();
      let tries = 1;
      while (tries <= TRIES && !(await account.call('status').then(...settled))) {
        tries++;
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
      asked.push({ tries, milliseconds: performance.now() - begun });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return asked;
  }

  #peak(): number {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      return Math.round(Number(/VmHWM:\s+(\d+) kB/u.exec(status)?.[1]) / 1024);
    } catch {
      return Number.NaN;
    }
  }
}

const settled = [(): boolean => true, (): boolean => false] as const;
