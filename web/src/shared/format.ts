// Amounts and times for people. The shop's amounts are exact decimals; these functions only show them.
const moneyFormats = new Map<string, Intl.NumberFormat>();

export function money(amount: number, currency: string, language = "en"): string {
  const key = `${language} ${currency}`;
  let format = moneyFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language, { style: "currency", currency });
    moneyFormats.set(key, format);
  }
  return format.format(amount);
}

export function compactMoney(amount: number, currency: string): string {
  return new Intl.NumberFormat("en", { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 }).format(
    amount,
  );
}

export const count = (n: number, language = "en") => new Intl.NumberFormat(language).format(n);

export function when(at: string, language = "en"): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}
export function day(at: string, language = "en"): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(new Date(at));
}
export function clock(at: string, language = "en"): string {
  return new Intl.DateTimeFormat(language, { timeStyle: "short" }).format(new Date(at));
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
export function ago(at: string, now = Date.now(), language = "en"): string {
  const passed_s = (now - new Date(at).getTime()) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  for (const [unit, seconds] of steps) if (passed_s >= seconds) return format.format(-Math.floor(passed_s / seconds), unit);
  return format.format(0, "second");
}

// What people read to each other of an order's id: its last eight characters, which are its random ones.
export const orderNumber = (id: string) => id.slice(-8).toUpperCase();

export const words = (text: string) => text.replaceAll("_", " ");
