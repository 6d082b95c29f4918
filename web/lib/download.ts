import { fetchFile } from './api';

export type Format = 'markdown' | 'json';

/** Saves a session, or with null everything one has said, as a file; it is whole, or it is not saved.
 *
 * @throws Problem when it cannot be had.
 */
export async function saveExport(sessionId: string | null, format: Format): Promise<void> {
  const { file, name } = await fetchFile(`/v1/sessions/${sessionId ? `${sessionId}/` : ''}export?format=${format}`, 'chats');
  saveFile(file, name);
}

/** The browser puts the file where it puts files. */
export function saveFile(file: Blob, name: string): void {
  // Of no type that it could show in our name instead.
  const url = URL.createObjectURL(new Blob([file], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
