/** Amounts, as whole numbers of the minor unit, and times, in the reader's language. */
export class Format {
  private readonly relative: Intl.RelativeTimeFormat;
  private readonly exact: Intl.DateTimeFormat;
  private readonly day: Intl.DateTimeFormat;

  constructor(
    private readonly language: string,
    private readonly decimals: Record<string, number>,
  ) {
    this.relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    this.exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
    this.day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  }

  money(amount: number, currency: string): string {
    const value = amount / 10 ** this.decimalsOf(currency);
    return new Intl.NumberFormat(this.language, { style: "currency", currency: currency.toUpperCase() }).format(value);
  }

  /** For an input: without the currency's sign, and without grouping. */
  plain(amount: number, currency: string): string {
    const digits = this.decimalsOf(currency);
    return new Intl.NumberFormat(this.language, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      useGrouping: false,
      numberingSystem: "latn",
    }).format(amount / 10 ** digits);
  }

  /** What somebody typed, in minor units; null if it is no amount. Point and comma are both taken. */
  parse(text: string, currency: string): number | null {
    const digits = this.decimalsOf(currency);
    const found = /^(\d{1,12})(?:[.,](\d*))?$/.exec(text.trim().replace(/[\s\u00a0\u202f']/g, ""));
    const fraction = found?.[2] ?? "";
    if (!found || fraction.length > digits) return null;
    const amount = Number(found[1]! + fraction.padEnd(digits, "0"));
    return amount > 0 && amount < 1e12 ? amount : null;
  }

  time(iso: string): string {
    return this.exact.format(new Date(iso));
  }

  date(iso: string): string {
    return this.day.format(new Date(iso));
  }

  ago(iso: string): string {
    let value = (Date.parse(iso) - Date.now()) / 1000;
    for (const [unit, size] of UNITS) {
      if (Math.abs(value) < size) return this.relative.format(Math.round(value), unit);
      value /= size;
    }
    return this.relative.format(Math.round(value), "year");
  }

  private decimalsOf(currency: string): number {
    return this.decimals[currency.toUpperCase()] ?? 2;
  }
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30.4],
  ["month", 12],
];
