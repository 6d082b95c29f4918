/** Drawn on a grid of 20; they say nothing to a screen reader, their buttons do. */
const PATHS = {
  menu: 'M3 6h14M3 10h14M3 14h9',
  plus: 'M10 4v12M4 10h12',
  send: 'M10 16V4M4.5 9.5 10 4l5.5 5.5',
  stop: 'M6 6h8v8H6z',
  close: 'm5 5 10 10M15 5 5 15',
  copy: 'M7 7h9v9H7zM13 7V4H4v9h3',
  check: 'm4 10.5 4 4 8-9',
  again: 'M16 10a6 6 0 1 1-1.8-4.3M16 3v3.5h-3.5',
  pencil: 'M4 16v-3L13 4l3 3-9 9zM11 6l3 3',
  bin: 'M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M9 9v4M11 9v4',
  documents: 'M5 3h7l3 3v11H5zM12 3v3h3M8 10h4M8 13h4',
  person: 'M10 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6M4 17c.6-3 3-4.5 6-4.5s5.4 1.5 6 4.5',
  settings: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4',
  down: 'M10 4v12M4.5 10.5 10 16l5.5-5.5',
  upload: 'M10 13V4M6 8l4-4 4 4M4 16h12',
  thumbUp: 'M7 9v8H4V9zM7 9l3-6c1.4 0 2.2.9 2 2.3L11.6 8H15c1.2 0 2 1 1.8 2.2l-.9 5c-.2 1-1 1.8-2.1 1.8H7',
  thumbDown: 'M7 11V3H4v8zM7 11l3 6c1.4 0 2.2-.9 2-2.3L11.6 12H15c1.2 0 2-1 1.8-2.2l-.9-5c-.2-1-1-1.8-2.1-1.8H7',
  search: 'M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12M13.5 13.5 17 17',
  share: 'M10 12V3M6.5 6 10 2.8 13.5 6M5 9.5H4V17h12V9.5h-1',
  more: 'M4.6 9.6h.8v.8h-.8zM9.6 9.6h.8v.8h-.8zM14.6 9.6h.8v.8h-.8z',
  download: 'M10 4v9M6 9l4 4 4-4M4 16h12',
  link: 'M8.5 11.5a3 3 0 0 0 4.3 0l2.7-2.7a3 3 0 0 0-4.3-4.3l-1.2 1.2M11.5 8.5a3 3 0 0 0-4.3 0l-2.7 2.7a3 3 0 0 0 4.3 4.3l1.2-1.2',
  chats: 'M4 4h12v9H9l-4 3.5V13H4z',
  previous: 'm12 5-5 5 5 5',
  next: 'm8 5 5 5-5 5',
  warning: 'M10 4 2.8 16h14.4zM10 8.5v3.5M10 14v.2',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

/** The mark: a page with a marked line. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
      <path className="mark-line" d="M3.5 13.2c4.6-1.1 10.4-1.2 17-.4v4.4c-6.2-.9-12-.8-17 .3z" />
      <path d="M4 7h16M4 11.2h12M4 15.4h16M4 19.6h8" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" />
    </svg>
  );
}
