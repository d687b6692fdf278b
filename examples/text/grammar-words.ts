/** The words of the stories, as closed tables. Kept to a few hundred, so that a small vocabulary holds most of them whole. */

export interface Person {
  name: string;
  he: 'he' | 'she';
  him: 'him' | 'her';
}

const girl = (name: string): Person => ({ name, he: 'she', him: 'her' });
const boy = (name: string): Person => ({ name, he: 'he', him: 'him' });

export const PEOPLE: readonly Person[] = [
  ...['Mia', 'Anna', 'Lily', 'Zoe', 'Ruby', 'Nora', 'Ella', 'Rose', 'Kate', 'Lucy', 'Eva', 'Jane'].map(girl),
  ...['Tom', 'Ben', 'Sam', 'Max', 'Leo', 'Jack', 'Finn', 'Dan', 'Hugo', 'Tim', 'Noah', 'Bob'].map(boy),
];

/** Things one can hold; all take "a". */
export const THINGS = [
  ...['ball', 'kite', 'drum', 'doll', 'book', 'hat', 'cup', 'bell', 'map', 'lamp', 'rope', 'flute', 'shell', 'coin'],
  ...['cake', 'pear', 'spoon', 'boat', 'train', 'robot', 'key', 'ring', 'brush', 'scarf', 'stone', 'flag'],
] as const;

export const COLOURS = ['red', 'blue', 'green', 'yellow', 'white', 'black', 'brown', 'pink'] as const;

/** Places one goes to. */
export const PLACES = [
  ...['park', 'beach', 'farm', 'shop', 'forest', 'river', 'lake', 'market', 'zoo', 'library', 'hill', 'garden'],
  ...['barn', 'school', 'bridge', 'castle'],
] as const;

/** Places one puts things in. */
export const CONTAINERS = ['box', 'bag', 'basket', 'drawer', 'jar', 'bucket', 'pot', 'chest', 'sack'] as const;

/** Things one owns several of; the plural adds "s". */
export const COUNTABLES = [
  ...['apple', 'egg', 'nut', 'plum', 'card', 'button', 'flower', 'candle', 'cookie', 'stamp', 'pencil', 'bean'],
] as const;

/** Animals; the plural adds "s". */
export const ANIMALS = ['dog', 'cat', 'cow', 'hen', 'duck', 'goat', 'horse', 'pig', 'bird', 'frog', 'rabbit'] as const;

const NUMBERS = [
  ...['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen'],
] as const;

export const LARGEST_NUMBER = NUMBERS.length - 1;

/** The four forms of "to be" that a sentence chooses between: by its time and by its subject's number. */
export const BE = {
  past: { one: 'was', many: 'were' },
  present: { one: 'is', many: 'are' },
} as const;

/** Every word that can be an answer. Each is to be one token, so that one look at the next token compares the choices. */
export const ANSWER_WORDS: readonly string[] = [
  ...PEOPLE.map((person) => person.name),
  ...THINGS,
  ...COLOURS,
  ...PLACES,
  ...CONTAINERS,
  ...NUMBERS.slice(1),
  ...Object.values(BE).flatMap((forms) => Object.values(forms)),
];

/** "three" of 3; 0 to 18. */
export function numberWord(value: number): string {
  const word = NUMBERS[value];
  if (word === undefined) throw new RangeError(`no word for the number ${value}`);
  return word;
}

/** "apple" or "apples". */
export function plural(noun: string, count: number): string {
  return count === 1 ? noun : `${noun}s`;
}

/** "three apples", "one apple". */
export function amount(count: number, noun: string): string {
  return `${numberWord(count)} ${plural(noun, count)}`;
}

/** "a cup, a key, and a bell". */
export function listed(items: readonly string[]): string {
  if (items.length < 3) return items.join(' and ');
  return `${items.slice(0, -1).join(', ')}, and ${items.at(-1) ?? ''}`;
}
