import { fetchFile } from './api';

export type Format = 'markdown' | 'json';

/** Saves a session, or with null everything one has said, as a file; it is whole, or it is not saved.
 *
 * @throws Problem when it cannot be had.
 */
export async function saveExport(sessionId: string | null, format: Format): Promise<void> {
  const { file, name } = await fetchFile(`/v1/sessions/${sessionId ? `${sessionId}/` : ''}export?format=${format}`);
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
