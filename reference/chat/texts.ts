/**
 * Numbers and texts that look like those of people, for databases that are made up: the same seed gives the same ones.
 *
 * @module
 */

/** Numbers that only look random (sfc32): fast, and the same everywhere. */
export class Dice {
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #count = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    for (let i = 0; i < 15; i++) this.next();
  }

  /** At least 0 and below 1. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** True once in `times`. */
  onceIn(times: number): boolean {
    return this.next() * times < 1;
  }

  /** One of them. */
  of<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('one of nothing');
    return item;
  }

  /** A length around `median`, seldom very much longer. */
  length(median: number, spread: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return Math.max(1, Math.round(median * Math.exp(spread * normal)));
  }
}

/** Picks ranks as people pick words and friends: the n-th one `n ** exponent` times as seldom as the first. */
export class Zipf {
  readonly #sums: Float64Array;

  constructor(count: number, exponent: number) {
    this.#sums = new Float64Array(count);
    let sum = 0;
    for (let i = 0; i < count; i++) this.#sums[i] = sum += (i + 1) ** -exponent;
  }

  /** A rank from 0. */
  pick(dice: Dice): number {
    const wanted = dice.next() * (this.#sums.at(-1) ?? 0);
    let [low, high] = [0, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sums[middle] ?? 0) <= wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A script: what its words are made of, how many pieces a word has, and what stands between words. */
interface Script {
  readonly pieces: readonly string[];
  readonly most: number;
  readonly space: string;
  readonly stop: string;
}

const split = (text: string): string[] => text.split(' ');
const SCRIPTS: readonly Script[] = [
  {
    pieces: split('the in er an re on at en ti st or is al ing ed ve me you so o y ha lo wa da ma'),
    most: 3,
    space: ' ',
    stop: '.',
  },
  {
    pieces: split('ich ein und der sch en er ge be nicht ver un wo da ja mal auf ß ü ö ä ste kann'),
    most: 3,
    space: ' ',
    stop: '!',
  },
  {
    pieces: split('при вет на не по ра го то ко ть ст ни ка ла ро за что мы ты да ну ё щи'),
    most: 3,
    space: ' ',
    stop: '.',
  },
  {
    pieces: split('ال و من في ما لا ها يا كم سا بر نا تم شك را حب دي عل مش'),
    most: 3,
    space: ' ',
    stop: '؟',
  },
  { pieces: split('है का की में से को न हा जी ता ने क्या मे रे हम तुम आ ना ठी क'), most: 3, space: ' ', stop: '।' },
  {
    pieces: split('我 你 的 是 不 了 在 有 好 吗 今 天 明 见 吃 饭 去 来 说 想 知 道 哈 家 晚'),
    most: 2,
    space: '',
    stop: '。',
  },
  {
    pieces: split('そ う で す ね 今 日 は あ り が と 行 く よ か な 何 時 ま た ん ー'),
    most: 3,
    space: '',
    stop: '。',
  },
  {
    pieces: split('και το να που δεν με σε κα λη μέ ρα τι κά νεις ό χι ε δώ'),
    most: 3,
    space: ' ',
    stop: ';',
  },
];
const EMOJI = split('😀 😂 ❤️ 👍 🙏 😭 🎉 🔥 😘 🤔 👩‍👩‍👧‍👦 🏳️‍🌈 👋🏽 🥲 ✅ 🐈 🌧️ 🇪🇺 🍕 💪🏿');
const WORDS = 4000;

/** Writes texts in one language each. */
export class Texts {
  readonly #languages: { readonly words: readonly string[]; readonly script: Script }[];
  readonly #ranks = new Zipf(WORDS, 1);

  constructor(dice: Dice) {
    this.#languages = SCRIPTS.map((script) => ({
      script,
      words: Array.from({ length: WORDS }, (_, rank) =>
        Array.from({ length: 1 + dice.below(rank < 100 ? 1 : script.most + 1) }, () =>
          dice.of(script.pieces),
        ).join(''),
      ),
    }));
  }

  /** Number of languages. */
  get languages(): number {
    return this.#languages.length;
  }

  /** A text of about `length` characters. */
  write(dice: Dice, language: number, length: number): string {
    const { words, script } = this.#languages[language % this.#languages.length] ?? {
      words: [],
      script: SCRIPTS[0],
    };
    const parts: string[] = [];
    for (let so = 0; so < length;) {
      const word = dice.onceIn(30)
        ? dice.of(EMOJI)
        : dice.onceIn(40)
          ? `${dice.below(10_000)}`
          : words[this.#ranks.pick(dice)];
      parts.push(word ?? '');
      so += (word?.length ?? 0) + 1;
      if (dice.onceIn(12)) parts.push(script?.stop ?? '');
    }
    return parts.join(script?.space ?? ' ');
  }

  /** A reaction. */
  emoji(dice: Dice): string {
    return dice.of(EMOJI);
  }
}
