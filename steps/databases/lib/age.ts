/**
 * How old data is that was taken at a moment, against the objective for data loss: `2h 6m (RPO objective 1d: met)`.
 * @param at ISO 8601
 */
export function ageOf(at: string, now: Date, rpoSeconds: number | null): string {
  const seconds = (now.getTime() - Date.parse(at)) / 1000
  if (!Number.isFinite(seconds)) return 'unknown'
  const objective =
    rpoSeconds === null
      ? 'no RPO objective'
      : `RPO objective ${span(rpoSeconds)}: ${seconds <= rpoSeconds ? 'met' : 'MISSED'}`
  return `${span(Math.max(0, seconds))} (${objective})`
}

/** Its two largest units. */
function span(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const
  let rest = Math.floor(seconds)
  const parts: string[] = []
  for (const [unit, size] of units) {
    if (rest >= size) parts.push(`${Math.floor(rest / size)}${unit}`)
    rest %= size
  }
  return parts.slice(0, 2).join(' ') || '0s'
}
