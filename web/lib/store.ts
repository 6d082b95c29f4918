import { useSyncExternalStore } from 'react';

/** A value that lives outside of React and tells who listens when it changes. */
export class Store<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/** The store's value; `atBuild` is what the exported page was rendered with. */
export function useStore<T>(store: Store<T>, atBuild: T = store.value): T {
  return useSyncExternalStore(
    store.subscribe,
    () => store.value,
    () => atBuild,
  );
}

/** What the browser keeps for us; a browser that keeps nothing is no reason to fail. */
export const kept = {
  read(key: string): string | null {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  write(key: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // Private windows of some browsers; the value lives as long as the page.
    }
  },
};
