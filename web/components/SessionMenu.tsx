'use client';

import { usePathname, useRouter, useSearchParams } from 'next/navigation';
import { useState } from 'react';
import { saveExport, type Format } from '@/lib/download';
import { offerUndo, say } from '@/lib/notices';
import { deleteSession, restoreSession } from '@/lib/sessions';
import { useText } from '@/text';
import { Menu, type MenuItem } from './Menu';
import { ShareDialog } from './ShareDialog';

interface Props {
  readonly id: string;
  readonly title: string;
  readonly onRename?: () => void;
}

/** What can be done with a session as a whole. */
export function SessionMenu({ id, title, onRename }: Props) {
  const text = useText();
  const router = useRouter();
  const path = usePathname();
  const isShown = useSearchParams().get('chat') === id && path === '/';
  const [isSharing, setSharing] = useState(false);

  const save = (format: Format): void => void saveExport(id, format).catch(() => say(text.sessions.exportFailed));
  const remove = (): void => {
    if (isShown) router.push('/');
    const restore = (): void => void restoreSession(id).catch(() => say(text.sessions.restoreFailed));
    deleteSession(id).then(
      () => offerUndo(text.sessions.deleted, restore),
      () => say(text.sessions.deleteFailed),
    );
  };
  const items: readonly MenuItem[] = [
    ...(onRename ? [{ name: text.sessions.rename, icon: 'pencil', onChoose: onRename } as const] : []),
    { name: text.sessions.share, icon: 'share', onChoose: () => setSharing(true) },
    { name: text.sessions.exportMarkdown, icon: 'download', onChoose: () => save('markdown') },
    { name: text.sessions.exportJson, icon: 'download', onChoose: () => save('json') },
    { name: text.sessions.delete, icon: 'bin', onChoose: remove },
  ];
  return (
    <>
      <Menu label={text.sessions.actionsOf(title)} items={items} />
      {isSharing && <ShareDialog sessionId={id} onClose={() => setSharing(false)} />}
    </>
  );
}
