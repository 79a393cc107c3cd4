/**
 * Tokens of SoftHSM for tests, and a module in front of it that does what devices should not (faults.c).
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Handle, PKCS11 } from 'pkcs11js';
import type { Pkcs11Paths } from '../hsm.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const FAULTS = fileURLToPath(new URL('faults.c', import.meta.url));

/** Where distributions put the module. */
const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

function runs(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** SoftHSM's module; undefined if it is not installed. */
export const SOFTHSM: string | undefined = runs('softhsm2-util')
  ? MODULES.find((path) => existsSync(path))
  : undefined;

/** Why tests with a device cannot be run here; undefined if they can. */
export const MISSING: string | undefined =
  SOFTHSM === undefined
    ? 'SoftHSM is not installed (softhsm2)'
    : runs('g++') && runs('gcc')
      ? undefined
      : 'there is no compiler (gcc, g++)';

/** PIN of the user of every token here. */
export const PIN = '48151623';
const SO_PIN = '42424242';

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const { status, stderr, error } = spawnSync(command, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
}

/** Compiles pkcs11js if that has not been done. */
export function compilePkcs11(): void {
  run(process.execPath, [join(ROOT, 'tools/pkcs11.mjs')]);
}

/** Compiles the module of faults. */
function compileFaults(module: string): void {
  const headers = join(ROOT, 'node_modules/pkcs11js/includes/pkcs11');
  run('gcc', ['-shared', '-fPIC', '-I', headers, FAULTS, '-o', module, '-ldl', '-lpthread']);
}

/** One folder of tokens, which this process and its children use from then on. */
export class SoftToken {
  readonly folder: string;
  readonly paths: Pkcs11Paths;
  #faults = 0;

  /** Makes a token called `vault`, or copies those of another folder. */
  constructor(from?: SoftToken) {
    this.folder = mkdtempSync(join(tmpdir(), 'strongroom-token-'));
    if (from === undefined) {
      compilePkcs11();
      mkdirSync(join(this.folder, 'tokens'));
    } else cpSync(from.folder, this.folder, { recursive: true });
    const config = `directories.tokendir = ${join(this.folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`;
    writeFileSync(join(this.folder, 'softhsm2.conf'), config);
    writeFileSync(join(this.folder, 'pin'), `${PIN}\n`, { mode: 0o600 });
    process.env['SOFTHSM2_CONF'] = join(this.folder, 'softhsm2.conf');
    if (from === undefined) this.addToken('vault');
    this.paths = { module: SOFTHSM ?? '', tokenLabel: 'vault', pinFile: join(this.folder, 'pin') };
  }

  addToken(label: string): void {
    run('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', SO_PIN]);
  }

  /** The same token behind a module that {@link fault} speaks to. */
  behindFaults(): Pkcs11Paths {
    const module = join(this.folder, 'faults.so');
    if (!existsSync(module)) compileFaults(module);
    process.env['STRONGROOM_FAULTS_MODULE'] = SOFTHSM ?? '';
    process.env['STRONGROOM_FAULTS'] = join(this.folder, 'faults');
    this.fault('none 1 none');
    return { ...this.paths, module };
  }

  /** What the module does from now on: function, nth call, action and its value, as in faults.c. */
  fault(line: string): void {
    writeFileSync(join(this.folder, 'faults'), `${++this.#faults} ${line}\n`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Does something with the token in this process, as one who has its PIN can. */
export function intrude<T>(work: (library: PKCS11, session: Handle, p11: typeof import('pkcs11js')) => T): T {
  const p11 = createRequire(import.meta.url)('pkcs11js') as typeof import('pkcs11js');
  const library = new p11.PKCS11();
  library.load(SOFTHSM ?? '');
  library.C_Initialize({ flags: p11.CKF_OS_LOCKING_OK });
  try {
    const slot = library.C_GetSlotList(true).find((slot) => {
      return library.C_GetTokenInfo(slot).label.trimEnd() === 'vault';
    });
    if (slot === undefined) throw new Error('no token');
    const session = library.C_OpenSession(slot, p11.CKF_SERIAL_SESSION | p11.CKF_RW_SESSION);
    library.C_Login(session, p11.CKU_USER, PIN);
    return work(library, session, p11);
  } finally {
    library.C_Finalize();
    library.close();
  }
}

/** Agents that a process has started: ids, and command lines and environments as others see them. */
export function agents(
  parent: number | undefined = process.pid,
): readonly { readonly pid: number; readonly seen: string }[] {
  const { stdout } = spawnSync('pgrep', ['-P', `${parent}`], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const read = (name: string): string => readFileSync(`/proc/${line}/${name}`, 'latin1');
      return { pid: Number(line), seen: `${read('cmdline')}\n${read('environ')}` };
    })
    .filter(({ seen }) => seen.includes('pkcs11/agent'));
}
