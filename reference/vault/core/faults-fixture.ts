/**
 * Faults that the explorer and the state machine must find: small changes of the real core, made while its modules are
 * loaded. No file is changed. Each names the text that it changes, so that one that has gone stale is not passed over.
 *
 * @module
 */
import { registerHooks } from 'node:module';

/** One change of one file of the core. */
export interface Fault {
  /** Below reference/vault/core. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Every fault, by name. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'check, then write': { file: '../testing/memory-driver.ts', find: 'if (!same) return false;', replace: '' },
  'a commit is reported before it is durable': {
    file: '../testing/memory-driver.ts',
    find: 'this.records.set(hex(leaf), sealRecord(',
    replace: 'if (this.random === systemRandom) this.records.set(hex(leaf), sealRecord(',
  },
  'a lost race is not decided anew': {
    file: 'handle.ts',
    find: 'if (!committed || decision === undefined) continue;',
    replace: 'if (decision === undefined) continue;',
  },
  'a new key refills the budget': {
    file: 'changes.ts',
    find: 'Math.min(slot.budget - 1, recentCharges(record, now))',
    replace: '0',
  },
  'an attempt outlives its generation': {
    file: 'changes.ts',
    find: 'pending: EMPTY_SLOT, open: [], closed: [], head }',
    replace: 'pending: EMPTY_SLOT, closed: [], head }',
  },
  'a repeated guess is charged again': {
    file: 'recover.ts',
    find: 'if (openAttempt(record, ke1) !== undefined) return {',
    replace:
      'record = { ...record, open: record.open.filter((one) => one !== openAttempt(record, ke1)) }; if (now < 0) return {',
  },
  'a wrong guess is given back': {
    file: 'attempts.ts',
    find: "const record = remember({ ...before, open }, hash, 'wrong-password', now);",
    replace:
      "const record = remember({ ...before, active: { ...before.active, state: 'active', deadline: 0, charged: before.active.charged - 1 }, open }, hash, 'wrong-password', now);",
  },
  'the last wrong guess leaves another': {
    file: 'attempts.ts',
    find: "return spent ? tombstone(record, 'destroyed', now) : record;",
    replace:
      "return spent ? { ...record, active: { ...record.active, state: 'active', deadline: 0, charged: record.active.budget - 1 } } : record;",
  },
  'a last chance punishes the right guess': {
    file: 'attempts.ts',
    find: "record.active.state === 'last-chance' && open.length === 0;",
    replace: "record.active.state === 'last-chance';",
  },
  'a last chance has no end': {
    file: 'changes.ts',
    find: "if (active.state === 'last-chance' && now >= active.deadline)",
    replace: 'if (now < 0)',
  },
  'grace is ignored': {
    file: 'register.ts',
    find: 'if (!isLive(record)) return',
    replace: "if (!isLive(record) || request.proof.kind === 'none') return",
  },
  'a second change takes the place of the first': {
    file: 'delete.ts',
    find: 'waits ? undefined : scheduleDeletion(',
    replace: 'waits && now < 0 ? undefined : scheduleDeletion(',
  },
  'what is scheduled outlives the key': {
    file: '../record.ts',
    find: 'return { ...record, active, scheduled: EMPTY_SLOT, pending',
    replace: 'return { ...record, active, pending',
  },
  'cancel forgets to cancel': {
    file: 'delete.ts',
    find: '{ ...proof.record, scheduled: EMPTY_SLOT }',
    replace: 'proof.record',
  },
  'delete takes any state version': {
    file: 'delete.ts',
    find: 'if (stateVersion !== record.stateVersion) {',
    replace: 'if (stateVersion > record.stateVersion) {',
  },
};

/** Faults that only the state machine looks for. */
export const MORE_FAULTS: Readonly<Record<string, Fault>> = {
  'an older store is served': {
    file: '../start.ts',
    find: 'const same = n === anchored && equal(head.hash, headHash);',
    replace: 'const same = n <= anchored;',
  },
  'a vault forgets that it answered a proof': {
    file: 'recover.ts',
    find: "return say('ok', recovered, remember(refunded, hash, 'ok', now));",
    replace: "return say('ok', recovered, refunded);",
  },
  'waits are not waited for': {
    file: 'attempts.ts',
    find: 'nextAttempt: spent ? 0 : now + delayAfter(policy, charged),',
    replace: 'nextAttempt: 0,',
  },
  'the head leaves without its owner': {
    file: 'heads.ts',
    find: 'return isSignedByOwner(request, record) ? say',
    replace: 'return isSignedByOwner(request, record) || now >= 0 ? say',
  },
  'another owner finds the head': {
    file: 'changes.ts',
    find: 'const head = inherits ? record.head : NO_HEAD;',
    replace: 'const head = inherits ? record.head : record.head;',
  },
  'deadlines are found by requests alone': {
    file: '../partition.ts',
    find: 'filter(({ at }) => at <= now)',
    replace: 'filter(({ at }) => at < now)',
  },
  'a ledger ends with its generation': {
    file: 'changes.ts',
    find: 'scheduled: EMPTY_SLOT, pending: EMPTY_SLOT, open: [], closed: [], head }',
    replace:
      'buckets: record.buckets.map(() => 0), scheduled: EMPTY_SLOT, pending: EMPTY_SLOT, open: [], closed: [], head }',
  },
};

/** From now on the core is loaded with a fault. It must not have been loaded before. */
export function seed(name: string): void {
  const fault = FAULTS[name] ?? MORE_FAULTS[name];
  if (fault === undefined) throw new Error(`there is no fault ${name}`);
  const target = new URL(fault.file, import.meta.url).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== target || loaded.source === undefined || loaded.source === null) return loaded;
      const text =
        typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
      if (text.split(fault.find).length !== 2)
        throw new Error(`${fault.file} does not hold ${fault.find} once`);
      return { ...loaded, source: text.replace(fault.find, () => fault.replace) };
    },
  });
}
