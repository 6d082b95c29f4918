import katex from 'katex';
import 'katex/dist/katex.min.css';

/** The formula in place of its source; one that is not complete yet stays as it is written. */
export function draw(source: string, element: HTMLElement, isDisplay: boolean): void {
  try {
    katex.render(source, element, { displayMode: isDisplay, maxSize: 20, maxExpand: 200, trust: false });
  } catch {
    element.textContent = source;
  }
}
