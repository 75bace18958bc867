// Amounts and times for people. The shop's amounts are exact decimals; these functions only show them.
// Making a format takes far longer than using it: a table of orders shows thousands.
function remembered<T>(make: (language: string, currency: string) => T) {
  const made = new Map<string, T>();
  return (language: string, currency = ""): T => {
    const key = `${language} ${currency}`;
    let format = made.get(key);
    if (!format) made.set(key, (format = make(language, currency)));
    return format;
  };
}
const moneyFormat = remembered((language, currency) => new Intl.NumberFormat(language, { style: "currency", currency }));
const compactFormat = remembered(
  (language, currency) => new Intl.NumberFormat(language, { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 }),
);
const countFormat = remembered((language) => new Intl.NumberFormat(language));
const sizeFormat = remembered((language) => new Intl.NumberFormat(language, { maximumSignificantDigits: 3 }));
const whenFormat = remembered((language) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }));
const dayFormat = remembered((language) => new Intl.DateTimeFormat(language, { dateStyle: "long" }));
const clockFormat = remembered((language) => new Intl.DateTimeFormat(language, { timeStyle: "short" }));
const preciseFormat = remembered((language) => new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }));
const agoFormat = remembered((language) => new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" }));

export const money = (amount: number, currency: string, language = "en") => moneyFormat(language, currency).format(amount);
export const compactMoney = (amount: number, currency: string) => compactFormat("en", currency).format(amount);
export const count = (n: number, language = "en") => countFormat(language).format(n);
// 1 kB is 1,000 bytes, as file managers count.
export function fileSize(bytes: number, language = "en"): string {
  const [size, unit] = bytes < 1e3 ? [bytes, "B"] : bytes < 999_500 ? [bytes / 1e3, "kB"] : [bytes / 1e6, "MB"];
  return `${sizeFormat(language).format(size)} ${unit}`;
}
export const when = (at: string, language = "en") => whenFormat(language).format(new Date(at));
export const day = (at: string, language = "en") => dayFormat(language).format(new Date(at));
export const clock = (at: string, language = "en") => clockFormat(language).format(new Date(at));

// To the millisecond, for what happens faster than people look.
export function precise(at: string): string {
  const moment = new Date(at);
  return `${preciseFormat("en").format(moment)}.${String(moment.getMilliseconds()).padStart(3, "0")}`;
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
export function ago(at: string, now = Date.now(), language = "en"): string {
  const passed_s = (now - new Date(at).getTime()) / 1000;
  const format = agoFormat(language);
  for (const [unit, seconds] of steps) if (passed_s >= seconds) return format.format(-Math.floor(passed_s / seconds), unit);
  return format.format(0, "second");
}

// What people read to each other of an order's id: its last eight characters, which are its random ones.
export const orderNumber = (id: string) => id.slice(-8).toUpperCase();

export const words = (text: string) => text.replaceAll("_", " ");
