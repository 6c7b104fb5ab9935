const width = 80

/**
 * A value on one line as written in `runbook.config.ts`: single quotes, plain keys, `secret('NAME')` for a
 * secret.
 */
export const literal = (value: unknown): string =>
  written(value, (parts, [open, close]) => {
    if (open === '[') return `[${parts.join(', ')}]`
    return parts.length === 0 ? '{}' : `${open} ${parts.join(', ')} ${close}`
  })

/**
 * As `literal`, on several lines where one is too long.
 * @param indent columns to the left of the value
 */
export function block(value: unknown, indent = 0): string {
  const flat = literal(value)
  return flat.length + indent <= width ? flat : broken(value, indent)
}

type Join = (parts: readonly string[], brackets: readonly [string, string]) => string

function written(
  value: unknown,
  join: Join,
  item: (value: unknown) => string = (one) => written(one, join),
): string {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return join(value.map(item), ['[', ']'])
  if (typeof value !== 'object' || value === null) return String(value)
  const entries = Object.entries(value)
  const [[key, only] = []] = entries
  if (entries.length === 1 && key === 'env' && typeof only === 'string') return `secret(${quoted(only)})`
  return join(
    entries.map(([name, one]) => `${/^[A-Za-z_]\w*$/.test(name) ? name : quoted(name)}: ${item(one)}`),
    ['{', '}'],
  )
}

function broken(value: unknown, indent: number): string {
  const margin = ' '.repeat(indent)
  return written(
    value,
    (parts, [open, close]) =>
      [open, ...parts.map((part) => `${margin}  ${part},`), `${margin}${close}`].join('\n'),
    (one) => block(one, indent + 2),
  )
}

const quoted = (text: string): string =>
  text.includes("'") && !text.includes('"')
    ? JSON.stringify(text)
    : `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
