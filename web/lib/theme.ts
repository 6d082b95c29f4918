import { kept, Store } from './store';

export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'eloquent.theme';

/** `public/early.js` has put it on the page before the first paint. */
export const theme = new Store<Theme>('auto');

export function readTheme(): void {
  const found = kept.read(KEY);
  theme.set(found === 'light' || found === 'dark' ? found : 'auto');
}

export function chooseTheme(chosen: Theme): void {
  kept.write(KEY, chosen === 'auto' ? null : chosen);
  theme.set(chosen);
  if (chosen === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
