import { fetchFile } from './api';
import { saveFile } from './download';

/** A document as it was uploaded; without a version as questions find it. */
export interface Original {
  readonly id: string;
  readonly version: number | null;
  readonly mediaType: string;
  readonly page?: number | null;
}

const PDF = 'application/pdf';
const TEXT = 'text/plain';

/** What a browser shows without running any of it, and what it is to take it for; all else is saved. */
const SHOWN: Readonly<Record<string, string>> = {
  [PDF]: PDF,
  [TEXT]: TEXT,
  'text/markdown': TEXT,
  'text/csv': TEXT,
  'application/json': TEXT,
  'application/x-ndjson': TEXT,
};
const CLOSED_MS = 2_000;

export function canShow(mediaType: string): boolean {
  return mediaType in SHOWN;
}

/** Shows the document in a tab of its own, a PDF at its page; what cannot be shown is saved.
 *
 * @throws Problem when it cannot be had; 410: another version has replaced this one.
 */
export async function openOriginal(original: Original): Promise<void> {
  const shown = SHOWN[original.mediaType];
  // As long as the click counts: a browser lets no page open another one by itself.
  const tab = shown === undefined ? null : window.open('', '_blank');
  try {
    const { file, name } = await fetchFile(pathOf(original), 'document');
    if (shown === undefined || tab === null) saveFile(file, name);
    else show(await typed(file, shown), tab, original.page ?? null);
  } catch (error) {
    tab?.close();
    throw error;
  }
}

/** @throws Problem when it cannot be had. */
export async function saveOriginal(original: Original, otherwise: string): Promise<void> {
  const { file, name } = await fetchFile(pathOf(original), otherwise);
  saveFile(file, name);
}

function pathOf({ id, version }: Original): string {
  return `/v1/documents/${id}/content${version === null ? '' : `?version=${version}`}`;
}

function show(file: Blob, tab: Window, page: number | null): void {
  const url = URL.createObjectURL(file);
  tab.opener = null;
  tab.location.replace(page === null ? url : `${url}#page=${page}`);
  // Reloading it works for as long as it is open.
  const timer = setInterval(() => {
    if (!tab.closed) return;
    clearInterval(timer);
    URL.revokeObjectURL(url);
  }, CLOSED_MS);
}

/** The file as that type, whatever the server calls it: an address of ours never shows HTML that is not ours. */
async function typed(file: Blob, type: string): Promise<Blob> {
  if (type === PDF) return new Blob([file], { type });
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    return new Blob([file], { type: `${type};charset=utf-8` });
  } catch {
    // The browser knows older ways of writing letters better than we do.
    return new Blob([file], { type });
  }
}
