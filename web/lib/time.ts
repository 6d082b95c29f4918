import type { Locale } from '@/text';

/** `1.2 s`, in the way of the language. */
export function seconds(value: number, locale: Locale): string {
  const digits = value < 10 ? 1 : 0;
  const number = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${number.format(value)} s`;
}

export type Era = 'today' | 'yesterday' | 'week' | 'older';

/** How long ago a day was, by the reader's calendar. */
export function eraOf(date: string, now = new Date()): Era {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const day = 24 * 3600 * 1000;
  const at = new Date(date).getTime();
  if (at >= midnight) return 'today';
  if (at >= midnight - day) return 'yesterday';
  return at >= midnight - 7 * day ? 'week' : 'older';
}

/** The hour for today, the date for other days. */
export function moment(date: string, locale: Locale): string {
  const form: Intl.DateTimeFormatOptions =
    eraOf(date) === 'today' ? { hour: 'numeric', minute: '2-digit' } : { day: 'numeric', month: 'short' };
  return new Intl.DateTimeFormat(locale, form).format(new Date(date));
}

/** Day and hour, in words. */
export function longDate(date: string, locale: Locale): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' }).format(new Date(date));
}

/** A size in the unit that fits. */
export function size(bytes: number, locale: Locale): string {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : [bytes / 1e6, 'MB'];
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)} ${unit}`;
}
