/** What money is counted in: thousand-millionths of a {@link ledgerCurrency}. A sum of them is exact. */
export const nanosPerUnit = 1_000_000_000;

/** The currency of every price, cost and budget. */
export const ledgerCurrency = "USD";

/** The highest amount that a limit may have, in whole units: the nanos of more are no exact numbers. */
export const mostMoney = 9_000_000;

/** The price source of simulated answers, which cost nothing. */
export const simulatedPrice = "simulated";

/** What one model call cost, in nanos, and who says so. */
export type CallCost = readonly [nanos: number, priceSource: string];

/** Nanos as decimal digits, as in `0.0029325`. */
export function amountOf(nanos: number | bigint): string {
  const digits = String(nanos).padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/, "");
  return fraction === "" ? digits.slice(0, -9) : `${digits.slice(0, -9)}.${fraction}`;
}

/** Nanos of decimal digits with at most nine behind the point; nothing for what is none, or too much. */
export function nanosOf(amount: string): number | undefined {
  const [, whole, fraction = ""] = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(amount) ?? [];
  if (whole === undefined) return undefined;
  const nanos = BigInt(whole + fraction.padEnd(9, "0"));
  return nanos > BigInt(mostMoney) * BigInt(nanosPerUnit) ? undefined : Number(nanos);
}
