import { kept, Store, useStore } from '@/lib/store';
import { de } from './de';
import { en, type Catalogue } from './en';

export type { Catalogue };

const CATALOGUES = { en, de } as const;
export type Locale = keyof typeof CATALOGUES;
export const LOCALES: readonly (readonly [Locale, string])[] = [
  ['en', en.language],
  ['de', de.language],
];

const KEY = 'eloquent.language';

/** English until the browser has been asked: the exported page is the same for everybody. */
const locale = new Store<Locale>('en');

/** The chosen language, or the browser's first one that there is. */
export function readLocale(): void {
  const wanted = [kept.read(KEY), ...navigator.languages].map(language => language?.slice(0, 2).toLowerCase());
  show(wanted.find((language): language is Locale => language !== undefined && language in CATALOGUES) ?? 'en');
}

export function chooseLocale(chosen: Locale): void {
  kept.write(KEY, chosen);
  show(chosen);
}

export function useLocale(): Locale {
  return useStore(locale, 'en');
}

/** The page's sentences in the language of who reads it. */
export function useText(): Catalogue {
  return CATALOGUES[useLocale()];
}

/** The sentences outside of React. */
export function text(): Catalogue {
  return CATALOGUES[locale.value];
}

function show(chosen: Locale): void {
  locale.set(chosen);
  document.documentElement.lang = chosen;
}
