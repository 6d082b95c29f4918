'use client';

import { useState } from 'react';
import { useStore } from '@/lib/store';
import { chooseTheme, theme, type Theme } from '@/lib/theme';
import { chooseLocale, LOCALES, useLocale, useText, type Locale } from '@/text';
import { Dialog } from './Dialog';
import { Icon } from './icons';

const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

export function SettingsButton() {
  const text = useText();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="nav-link" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon name="settings" /> {text.nav.settings}
      </button>
      {isOpen && (
        <Dialog title={text.nav.settings} onClose={() => setOpen(false)}>
          <Choices />
        </Dialog>
      )}
    </>
  );
}

function Choices() {
  const text = useText();
  const locale = useLocale();
  const chosen = useStore(theme, 'auto');
  return (
    <div className="form">
      <fieldset className="choices">
        <legend>{text.settings.theme}</legend>
        {THEMES.map(one => (
          <label key={one}>
            <input type="radio" name="theme" checked={one === chosen} onChange={() => chooseTheme(one)} />
            <span>{text.settings[one]}</span>
          </label>
        ))}
      </fieldset>
      <fieldset className="choices">
        <legend>{text.settings.language}</legend>
        {LOCALES.map(([one, name]) => (
          <label key={one} lang={one}>
            <input type="radio" name="language" checked={one === locale} onChange={() => chooseLocale(one satisfies Locale)} />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
    </div>
  );
}
