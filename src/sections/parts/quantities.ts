import ms, { type StringValue } from 'ms'

/** `'90s'`, `'5m'`, `'26h'`, `'7d'`, or a number of seconds. */
export type Duration = string | number
/** `'64KiB'`, `'10MB'`, or a number of bytes. */
export type Size = string | number

const units: { readonly [unit: string]: number } = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/**
 * Parses `'5m'`, `'26h'`, `'1.5 days'` or a number of seconds.
 * @returns seconds
 * @throws Error with a message that shows how a duration is written
 */
export function seconds(value: string | number): number {
  // Without a unit `ms` reads milliseconds where people mean seconds, so a bare number in text is refused.
  const bare = typeof value === 'string' && /^[\d.\s-]*$/.test(value)
  const found =
    typeof value === 'number' ? value : bare ? Number.NaN : (ms(value as StringValue) ?? Number.NaN) / 1000
  if (!Number.isFinite(found) || found < 0)
    throw new Error(
      `${JSON.stringify(value)} is not a duration; write it as '90s', '5m', '26h' or '7d', or as a number of seconds`,
    )
  return found
}

/**
 * Parses `'10 MB'` (powers of 1000), `'1 GiB'` (powers of 1024) or a number of bytes.
 * @returns bytes
 * @throws Error with a message that shows how a size is written
 */
export function bytes(value: string | number): number {
  const match = typeof value === 'string' ? /^\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*$/.exec(value) : null
  const found =
    typeof value === 'number'
      ? value
      : match === null
        ? Number.NaN
        : Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN)
  if (!Number.isFinite(found) || found < 0)
    throw new Error(
      `${JSON.stringify(value)} is not a size; write it as '64KiB' or '10MB', or as a number of bytes`,
    )
  return Math.round(found)
}
