/**
 * What vaults say and keep: stories of one account, with the record before and after every request.
 *
 * @module
 */
import { encodeHead } from '../../conformance/peer/head.ts';
import {
  be,
  cat,
  named,
  prefixed,
  sha256,
  utf8,
  zeros,
  type Bytes,
} from '../../conformance/peer/primitives.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family } from './family.ts';
import { Story, worldOf, type Ask } from './vault/story.ts';

const OLD = 'correct horse';
const NEW = 'battery staple';
const WRONG = 'incorrect zebra';
const STATUS: Ask = { command: 'status', body: zeros(0) };
const DAY = 86_400;

function registration(family: Family): void {
  const story = new Story(family, 'register');
  story.send(STATUS, { title: 'Nothing is known of the account', requirements: ['STA-1', 'STA-2'] });
  const { start, finish, confirm } = story.prepare(OLD, { requirements: ['REG-1', 'REG-4', 'REG-5'] });
  story.send(start, { title: 'The same element again: the same answer', requirements: ['REG-1', 'XCH-12'] });
  story.send(confirm, { title: 'Too early', requirements: ['REG-7'] });
  story.send(finish, { requirements: ['REG-6'] });
  story.send(finish, { title: 'The same bytes again', requirements: ['REG-6', 'XCH-12'] });
  const otherBody = finish.body.slice();
  otherBody[otherBody.length - 1] = 2;
  story.send({ ...finish, body: otherBody }, { title: 'Other values', requirements: ['REG-6'] });
  story.send(STATUS, { title: 'A registration is pending', requirements: ['STA-2'] });
  const wrong = confirm.body.slice();
  wrong[40] = (wrong[40] ?? 0) ^ 1;
  story.send({ ...confirm, body: wrong }, { title: 'With a wrong secret', requirements: ['REG-7'] });
  story.send(confirm, { title: 'The first generation goes live', requirements: ['REG-7'] });
  story.send(confirm, { title: 'Confirmed again', requirements: ['REG-7', 'XCH-12'] });
  story.send({ ...confirm, body: wrong }, { title: 'Live, with a wrong secret', requirements: ['REG-7'] });
  const second = story.prepare(NEW, {
    title: 'A second registration begins',
    requirements: ['REG-1', 'REG-5'],
  });
  const low = second.finish.body.slice();
  const budget = low.length - 1;
  low[budget] = 11;
  story.send(
    { ...second.finish, body: low },
    { title: 'A budget above the policy', requirements: ['REG-6'] },
  );
  low[budget] = 0;
  story.send({ ...second.finish, body: low }, { title: 'The default budget', requirements: ['REG-6'] });
  story.send(STATUS, { title: 'Live, and pending', requirements: ['STA-2'] });
}

function recovery(family: Family): void {
  const story = new Story(family, 'recover');
  story.start(OLD, { title: 'Nothing is registered', requirements: ['RCV-1'] });
  story.register(OLD);
  const begun = story.start(OLD, { requirements: ['RCV-1', 'ATT-5', 'ATT-6', 'XCH-19'] });
  story.now += 5;
  story.send(begun.start, { title: 'The same KE1 again: the same KE2', requirements: ['RCV-4', 'XCH-19'] });
  const wrong = story.start(WRONG, { title: 'A wrong password', requirements: ['RCV-1'] });
  story.send(story.finish(wrong), { title: 'Its KE3', requirements: ['RCV-5', 'RCV-7'] });
  story.send(story.finish(wrong), { title: 'Its KE3 again', requirements: ['RCV-8'] });
  const swapped = story.finish({ ...begun, attemptId: wrong.attemptId });
  story.send(swapped, { title: 'The id of another attempt', requirements: ['RCV-5'] });
  story.send(story.finish(begun), { title: 'The right KE3', requirements: ['RCV-5', 'RCV-7', 'ATT-8'] });
  story.send(story.finish(begun), { title: 'The right KE3 again', requirements: ['RCV-8', 'ATT-10'] });
  story.now += DAY;
  story.send(story.finish(begun), { title: 'And a day later', requirements: ['RCV-5'] });
  story.send(story.finish(story.start(WRONG)), {
    title: 'What is closed then stands beside what is not remembered any more',
    requirements: ['ATT-10'],
  });
  const bad = cat(story.draw('no element', 31), be(1, 255), story.draw('rest', 64));
  story.send(
    { command: 'recover-start', body: prefixed(1, bad) },
    { title: 'A KE1 that holds no element is charged', requirements: ['RCV-3'] },
  );
  story.send(
    { command: 'recover-start', body: prefixed(1, bad.slice(1)) },
    { title: 'A KE1 that is too short is not', requirements: ['RCV-1'] },
  );
}

function destruction(family: Family): void {
  const story = new Story(family, 'destroy');
  story.register(OLD);
  for (let i = 0; i < 2; i++) story.send(story.finish(story.start(WRONG)));
  const last = story.start(WRONG, { title: 'The last attempt', requirements: ['ATT-1', 'ATT-14'] });
  story.now += 10;
  story.start(OLD, { title: 'No attempt in a last chance', requirements: ['ATT-14'] });
  story.send(STATUS, { title: 'A last chance', requirements: ['STA-2'] });
  story.send(story.finish(last), { title: 'The last KE3 is wrong', requirements: ['ATT-16', 'ATT-20'] });
  story.send(story.finish(last), { title: 'And again', requirements: ['RCV-5'] });
  story.start(OLD, { title: 'Nothing comes back', requirements: ['RCV-1', 'ATT-20'] });
  story.send(STATUS, { title: 'The tombstone', requirements: ['STA-2', 'ATT-20'] });
  story.now += 100;
  const { finish, confirm } = story.prepare(NEW, { requirements: ['REG-5', 'REG-9'] });
  story.send(finish);
  story.send(confirm, {
    title: 'A new registration, with the charges of the old one',
    requirements: ['ATT-13', 'REG-9'],
  });
}

function lastChance(family: Family): void {
  const story = new Story(family, 'last-chance');
  story.register(OLD);
  const earlier = story.start(OLD);
  for (let i = 0; i < 2; i++) story.start(WRONG);
  story.send(story.finish(earlier), {
    title: 'An earlier attempt is proved, and ends the last chance',
    requirements: ['ATT-15', 'ATT-8'],
  });
  for (let i = 0; i < 3; i++) story.start(WRONG);
  story.now += 599;
  story.send(STATUS, { title: 'One second before the deadline', requirements: ['ATT-17'] });
  story.now += 1;
  story.send(STATUS, { title: 'At the deadline', requirements: ['ATT-17', 'ATT-27'] });
}

function waits(family: Family): void {
  const policy = { delays: [0, 10, 100], defaultBudget: 10, ceiling: 5, refill: 'none' } as const;
  const story = new Story(family, 'waits', worldOf(policy));
  story.register(OLD, { budget: 0 });
  story.send(story.finish(story.start(WRONG, { title: 'The first charge', requirements: ['ATT-1'] })));
  story.now += 9;
  story.start(OLD, { title: 'Too early by a second', requirements: ['RCV-1', 'ATT-2'] });
  story.now += 1;
  const second = story.start(OLD, { title: 'In time', requirements: ['RCV-1', 'ATT-2'] });
  story.send(story.finish(second), {
    title: 'Proved: its own charge comes back, and no other',
    requirements: ['ATT-8', 'ATT-12'],
  });
  for (let i = 0; i < 4; i++) {
    story.now += 100;
    story.start(WRONG);
  }
  story.now += 100;
  story.start(OLD, { title: 'The ceiling', requirements: ['ATT-11'] });
  story.now += 30 * DAY;
  story.start(OLD, { title: 'A period later', requirements: ['ATT-11', 'ATT-12'] });
  story.now += 330 * DAY;
  story.start(OLD, { title: 'When the charges have fallen out', requirements: ['ATT-11', 'ATT-12'] });
}

function periods(family: Family): void {
  const story = new Story(family, 'periods', worldOf({ refill: 'none' }));
  story.register(OLD);
  const begun = story.start(OLD);
  story.start(WRONG);
  story.now += 31 * DAY;
  story.send(story.finish(begun), {
    title: 'Proved in the next period: the charge comes back where it was made',
    requirements: ['ATT-12', 'ATT-8'],
  });
  story.start(WRONG);
  story.now += 30 * DAY;
  const { finish, confirm } = story.prepare(NEW);
  story.send(finish);
  const proof = story.owner('register-confirm', confirm.body);
  story.send(
    { ...confirm, proof },
    { title: 'Replaced in the one after that', requirements: ['ATT-13', 'REG-9'] },
  );
}

function reports(family: Family): void {
  const story = new Story(family, 'report', worldOf({ defaultBudget: 10 }));
  story.register(OLD, { budget: 10 });
  const guess = (): void => {
    story.now += 60;
    story.send(story.finish(story.start(WRONG)));
  };
  guess();
  guess();
  const first = story.start(OLD);
  story.send(story.finish(first), { title: 'A report is released', requirements: ['ATT-21', 'ATT-22'] });
  guess();
  const second = story.start(OLD);
  story.send(story.finish(second, 1), {
    title: 'It is acknowledged, and one more is released',
    requirements: ['ATT-22', 'ATT-23'],
  });
  const third = story.start(OLD);
  story.send(story.finish(third, 1), {
    title: 'A serial that is over acknowledges nothing',
    requirements: ['ATT-22'],
  });
  const fourth = story.start(OLD);
  story.send(story.finish(fourth, 3), { title: 'All is acknowledged', requirements: ['ATT-22'] });
}

function replacement(family: Family): void {
  const story = new Story(family, 'replace');
  story.register(OLD);
  story.start(WRONG);
  const { finish, confirm } = story.prepare(NEW);
  story.send(finish);
  story.send(confirm, { title: 'Without a proof it waits', requirements: ['REG-7', 'XCH-26'] });
  story.now += 999;
  story.send(confirm, { title: 'Again, a second before its time', requirements: ['REG-7', 'ATT-30'] });
  story.send(story.finish(story.start(OLD)), {
    title: 'The old password still opens the old key',
    requirements: ['REG-8', 'XCH-26'],
  });
  story.now += 1;
  story.send(STATUS, { title: 'Its time has come', requirements: ['ATT-27', 'ATT-13', 'REG-8'] });
  const again = story.prepare(OLD);
  story.send(again.finish);
  const proof = story.owner('register-confirm', again.confirm.body);
  story.send(
    { ...again.confirm, proof },
    { title: 'With the owner key: at once', requirements: ['REG-7', 'PRF-1'] },
  );
  const third = story.prepare(NEW);
  story.send(third.finish);
  const begun = story.start(OLD);
  story.send(
    { ...third.confirm, proof: story.proof(begun) },
    { title: 'With the password: at once, and no charge', requirements: ['REG-7', 'PRF-2', 'ATT-13'] },
  );
}

function deletion(family: Family): void {
  const story = new Story(family, 'delete');
  const at = (command: 'delete' | 'cancel', value: number): Ask => ({ command, body: be(8, value) });
  const version = (): number => story.record?.stateVersion ?? 0;
  const due = (): number => story.record?.scheduled.effectiveAt ?? 0;
  story.send(at('delete', 0), { title: 'Nothing is registered', requirements: ['DEL-1'] });
  story.register(OLD);
  story.send(at('delete', version() - 1), { title: 'Another version', requirements: ['DEL-1'] });
  story.send(at('delete', version()), {
    title: 'Without a proof it waits',
    requirements: ['DEL-1', 'DEL-2'],
  });
  story.now += 10;
  story.send(at('delete', version() - 1), {
    title: 'The lost request again',
    requirements: ['DEL-1', 'XCH-12'],
  });
  story.send(at('cancel', due()), { title: 'Cancelled by nobody', requirements: ['DEL-3', 'PRF-1'] });
  const other = at('cancel', due() - 1);
  story.send(
    { ...other, proof: story.owner('cancel', other.body) },
    { title: 'Cancelled at another time', requirements: ['DEL-3'] },
  );
  story.prepare(NEW);
  const mine = at('cancel', due());
  const signed = { ...mine, proof: story.owner('cancel', mine.body) };
  story.send(signed, {
    title: 'Cancelled by the owner, whatever else has begun',
    requirements: ['DEL-3', 'PRF-1'],
  });
  story.send(signed, { title: 'And again', requirements: ['DEL-3', 'XCH-12'] });
  const guess = story.start(WRONG);
  story.send(
    { ...at('delete', version()), proof: story.proof(guess) },
    { title: 'With a wrong KE3', requirements: ['PRF-1', 'PRF-2'] },
  );
  const last = at('delete', version());
  story.send(
    { ...last, proof: story.owner('delete', last.body) },
    { title: 'By the owner: at once', requirements: ['DEL-1', 'ATT-20'] },
  );
  story.send(last, { title: 'And again', requirements: ['DEL-1', 'XCH-12'] });
  story.send(STATUS, { title: 'The tombstone', requirements: ['STA-2'] });
  story.register(NEW);
  story.send(at('delete', version()));
  story.now += 1000;
  story.send(STATUS, { title: 'A deletion takes effect', requirements: ['DEL-2', 'ATT-27'] });
}

function change(family: Family): void {
  const story = new Story(family, 'change');
  story.register(OLD);
  story.start(WRONG);
  const { start, finish } = story.change(OLD, NEW, { requirements: ['CHG-1', 'ATT-5'] });
  story.send(start, { title: 'Both again: the same answer', requirements: ['CHG-1', 'XCH-12'] });
  story.send(finish, { title: 'The new password is live', requirements: ['CHG-2', 'CHG-3', 'ATT-12'] });
  story.send(finish, { title: 'And again', requirements: ['CHG-2', 'XCH-12'] });
  const wrong = story.change(WRONG, OLD, { title: 'A change by a guess', requirements: ['CHG-1'] });
  story.send(wrong.finish, { title: 'It is no more than a guess', requirements: ['CHG-2'] });
  story.send(wrong.finish, { title: 'And again', requirements: ['CHG-2'] });
}

function heads(family: Family): void {
  const story = new Story(family, 'heads');
  const head = (generation: number): Bytes => {
    const fields = { setId: named('set id', 16), generation, manifestId: named('manifest id', 32) };
    return cat(encodeHead({ ...fields, created: 1_700_000_000, keyEpoch: 1 }), named('head signature', 64));
  };
  const put = (previous: Bytes, next: Bytes): Ask => {
    const body = cat(previous, next);
    return { command: 'put-head', body, proof: story.owner('put-head', body) };
  };
  const get: Ask = { command: 'get-head', body: zeros(0), proof: story.owner('get-head', zeros(0)) };
  story.send(get, { title: 'Nothing is registered', requirements: ['HED-1'] });
  story.register(OLD);
  story.send(get, { title: 'No head', requirements: ['HED-1'] });
  story.send(put(zeros(32), head(1)), { title: 'The first head', requirements: ['HED-1'] });
  story.send(put(zeros(32), head(1)), { title: 'The same head again', requirements: ['HED-1', 'XCH-12'] });
  story.send(put(zeros(32), head(2)), { title: 'A head that follows none', requirements: ['HED-1'] });
  story.send(put(sha256(head(1)), head(2)), { title: 'The next head', requirements: ['HED-1'] });
  story.send(
    { command: 'get-head', body: zeros(0) },
    { title: 'Asked for by nobody', requirements: ['HED-2'] },
  );
  const begun = story.start(OLD);
  story.send(
    { command: 'get-head', body: zeros(0), proof: story.proof(begun) },
    { title: 'Asked for with a KE3, which stays open', requirements: ['HED-2'] },
  );
  story.send(story.finish(begun));
  story.register(NEW, { owner: named('another owner', 32) });
  story.now += 1000;
  story.send(STATUS, { title: 'Another owner, who has proved nothing', requirements: ['HED-4'] });
}

function strangers(family: Family): void {
  const story = new Story(family, 'refused', worldOf({}, false));
  story.register(OLD);
  const words = { requirements: ['XCH-9', 'XCH-10'] };
  story.send(STATUS, { ...words, title: 'For another fleet' }, { fleetId: named('another fleet', 16) });
  story.send(STATUS, { ...words, title: 'By who may speak for another account' }, { caller: utf8('bob') });
  story.send(STATUS, { ...words, title: 'By who may speak for this one' }, { caller: utf8('alice') });
  story.send(
    { command: 99, body: zeros(3) },
    { title: 'A command that there is not', requirements: ['XCH-15'] },
  );
  const closed = { ...story.world, pairs: story.world.pairs.map((pair) => ({ ...pair, open: false })) };
  story.world = closed;
  const element = named('no element', 31);
  story.send(
    { command: 'register-start', body: prefixed(1, cat(element, be(1, 255))) },
    { title: 'No element', requirements: ['REG-1'] },
  );
  story.send(STATUS, { title: 'A vault that promises no erasure', requirements: ['STA-2'] });
}

/** The family. */
export function transcripts(): VectorFile {
  const family = new Family('transcripts', {
    feature: 'vault-step',
    role: 'vault-server',
    op: 'vault.step',
    description:
      'Stories of one account at a vault: each request with the record before it, the answer, and the record after it.',
  });
  for (const story of [
    registration,
    recovery,
    destruction,
    lastChance,
    waits,
    periods,
    reports,
    replacement,
    deletion,
    change,
    heads,
    strangers,
  ])
    story(family);
  return family.file();
}
