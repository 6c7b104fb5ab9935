/** What a credential of the document is replaced by: a word, so that commands keep their form. */
export const hidden = 'HIDDEN'

/** A value as a shell writes it. Variables and placeholders are no values, and are left as they are. */
const value = String.raw`(?:"(?<double>[^"$\x60<{]+)"|'(?<single>[^'$\x60<{]+)'|(?<bare>[^\s"'$\x60<>{}()|;&,-][^\s"'$\x60<>{}()|;&,]*))`
const begin = String.raw`(?<=^|[\s;(&|"'\x60])`
const named = String.raw`[A-Za-z_]*(?:PASS(?:WORD|PHRASE|WD)?|SECRET|TOKEN|CREDENTIALS?|(?<![A-Za-z])KEY)`

/** Where commands carry credentials. What stands before the value is in `before`. */
const places: readonly RegExp[] = [
  // Variables: PGPASSWORD=x, --env API_TOKEN=x.
  new RegExp(String.raw`${begin}(?<before>${named}=)${value}`, 'gim'),
  // --passphrase x, --password=x; --no-password has no value.
  new RegExp(
    String.raw`${begin}(?<before>--(?!no-)(?:[a-z]+-)*(?:passphrase|password|pass|token|(?<=-[a-z]+-)secret)(?:=|[ \t]+))${value}`,
    'gim',
  ),
  // openssl -pass pass:x, -passin pass:x
  new RegExp(String.raw`(?<before>-pass(?:in|out)?[ \t]+["']?pass:)${value}`, 'gm'),
  // mysql -px, sshpass -p x
  new RegExp(String.raw`(?<before>\b(?:mysql\w*|mariadb[\w-]*)\b[^\n|;]*?\s-p)${value}`, 'gm'),
  new RegExp(String.raw`(?<before>\bsshpass[ \t]+-p[ \t]*)${value}`, 'gm'),
  // curl -u user:x
  /(?<before>\bcurl\b[^\n|;]*?\s(?:-u|--user)[ \t]+["']?[\w.@-]+:)(?<bare>[^\s"'$`<{]+)/gm,
  // postgres://user:x@host, https://host/?token=x
  /(?<before>[a-z][a-z0-9+.-]*:\/\/[^\s:/@"'`]*:)(?<bare>[^\s@/"'$`<{]+)(?=@)/gim,
  /(?<before>[?&](?:access_|auth_|api_?)?(?:token|key|secret|password|signature|sig)=)(?<bare>[^\s&"'$`<{#)]+)/gim,
  // Authorization: Bearer x
  /(?<before>\b(?:Authorization:[ \t]*(?:Bearer|Basic|Token)|(?:X-)?[\w-]*(?:Api-Key|Token):)[ \t]+)(?<bare>[^\s"'$`<{]+)/gim,
  // ALTER ROLE shop PASSWORD 'x'
  /(?<before>\bPASSWORD[ \t]+')(?<bare>[^'$`<{]+)(?=')/gim,
]

/**
 * The document with `HIDDEN` instead of each value that looks like a credential: what is imported is committed, and titles
 * of steps stand in journals and evidence, where nothing would mask a value that no target names.
 */
export function withoutCredentials(markdown: string): {
  readonly text: string
  /** From 1. */
  readonly lines: readonly number[]
} {
  const before = markdown.split('\n')
  const after = before.map((line) => places.reduce(hide, line))
  return {
    text: after.join('\n'),
    lines: after.flatMap((line, index) => (line === before[index] ? [] : [index + 1])),
  }
}

type Found = {
  readonly before: string
  readonly double?: string
  readonly single?: string
  readonly bare?: string
}

const hide = (line: string, place: RegExp): string =>
  line.replaceAll(place, (all: string, ...match: readonly unknown[]) => {
    const { before, double, single, bare } = match.at(-1) as Found
    if (isNone(before, double ?? single ?? bare ?? '', line)) return all
    const quote = double === undefined ? (single === undefined ? '' : "'") : '"'
    return `${before}${quote}${hidden}${quote}`
  })

/** The path of a key is no key, and the programs of Postgres ask for a password without taking it. */
const isNone = (before: string, text: string, line: string): boolean =>
  (/KEY=$/i.test(before) && /^[/~.]/.test(text)) ||
  (/--password\s+$/.test(before) && /\b(?:psql|pg_\w+|createdb|dropdb|createuser|vacuumdb)\b/.test(line))
