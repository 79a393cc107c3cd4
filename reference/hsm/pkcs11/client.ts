/**
 * The vault's end of the agent (spec/hsm.md, "Agent").
 *
 * @module
 */
import { fork, type ChildProcess } from 'node:child_process';
import { isStrongroomError, StrongroomError } from '../../errors.ts';
import type { Agent, AgentAnswer, AgentCall } from './protocol.ts';

/** Milliseconds after which a call is given up, and the device with it. */
const TIMEOUT = 30_000;
/** Milliseconds that an agent has to end. */
const PATIENCE = 2000;
/** Milliseconds between looks whether the device is still there. */
const CHECK_INTERVAL = 5000;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StrongroomError) => void;
  readonly timer: NodeJS.Timeout;
}

/** Codes after which nothing is known of the device any more. */
function isFinal({ code }: StrongroomError): boolean {
  return code.startsWith('hsm-') || code === 'anchor-conflict';
}

/** An agent that runs. */
export class AgentClient {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #checks: NodeJS.Timeout;
  #lastId = 0;
  #failure: StrongroomError | undefined;
  #ended = false;

  constructor() {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#child = fork(new URL(`./agent.${extension}`, import.meta.url), [], {
      serialization: 'advanced',
      execArgv: [],
      // What the module says is for people. Its threads are the sessions of the token.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
    });
    this.#child.on('message', (answer: AgentAnswer) => this.#settle(answer));
    this.#child.on('error', (cause) => this.#fail(unavailable('the agent cannot be run', cause)));
    this.#child.on('exit', (code, signal) => {
      this.#ended = true;
      this.#fail(unavailable(`the agent has ended (${signal ?? code})`));
    });
    this.#checks = setInterval(() => void this.call('check').catch(() => {}), CHECK_INTERVAL).unref();
    this.#idle();
  }

  /** Why the device is not used any more. */
  get failure(): StrongroomError | undefined {
    return this.#failure;
  }

  /** @throws StrongroomError what the agent says; after one that is final, the same for every call */
  call<K extends keyof Agent>(name: K, ...args: Parameters<Agent[K]>): ReturnType<Agent[K]> {
    const result = new Promise((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure;
      const id = ++this.#lastId;
      const timer = setTimeout(() => this.#fail(unavailable(`${name} takes too long`)), TIMEOUT);
      this.#pending.set(id, { resolve, reject, timer });
      this.#child.ref();
      this.#child.channel?.ref();
      const call: AgentCall = { id, name, args };
      this.#child.send(call, (error) => {
        if (error !== null) this.#fail(unavailable('the agent does not listen', error));
      });
    });
    return result as ReturnType<Agent[K]>;
  }

  /** Ends the agent, and waits until it has ended. */
  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      if (this.#ended) resolve();
      else this.#child.once('exit', () => resolve());
    });
    this.#fail(unavailable('the HSM is closed'));
    this.#child.ref();
    await ended;
  }

  #settle(answer: AgentAnswer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    clearTimeout(pending.timer);
    if ('value' in answer) pending.resolve(answer.value);
    else {
      const error = new StrongroomError(answer.code, answer.message);
      if (isFinal(error)) this.#fail(error);
      pending.reject(error);
    }
    this.#idle();
  }

  /** The first failure is final: what the device has done is known again only after a start. */
  #fail(error: StrongroomError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearInterval(this.#checks);
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
    // It ends after the call that it is in, which may be changing the token; unless that call does not end.
    if (this.#child.connected) this.#child.disconnect();
    setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE).unref();
    this.#idle();
  }

  /** Nothing that waits for no answer keeps the vault alive. */
  #idle(): void {
    if (this.#pending.size > 0) return;
    this.#child.unref();
    this.#child.channel?.unref();
  }
}

function unavailable(message: string, cause?: unknown): StrongroomError {
  if (isStrongroomError(cause)) return cause;
  return new StrongroomError('hsm-unavailable', message, {}, cause === undefined ? {} : { cause });
}
