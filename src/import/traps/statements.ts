import type { Part } from '../document.ts'
import type { DocumentTrap } from '../trap.ts'

const declares = /Format:\s*(.+\|.+)$/im
const enumerated = /status|state|result|outcome|type|action|event|level|env/i

const columns = (text: string): readonly string[] => text.split('|').map((cell) => cell.trim())

export const logFormat: DocumentTrap = {
  name: 'log-format',
  cure: 'write every column as declared; the step recordDeployment does, and refuses another format',
  search: ({ parts, steps }) => {
    const declared = parts.map(({ text }) => declares.exec(text)?.[1]).find((found) => found !== undefined)
    const names = columns(declared ?? '')
    if (names.length < 3) return []
    return steps.flatMap(({ main, line, text }) => {
      const entry =
        main.program === 'echo' && main.writes.length > 0
          ? main.args.filter((arg) => !arg.startsWith('-')).join(' ')
          : ''
      const cells = columns(entry)
      if (cells.length < 3) return []
      if (cells.length !== names.length)
        return [
          {
            line,
            text,
            reason: `the format has ${names.length} columns (${names.join(' | ')}), this has ${cells.length}`,
          },
        ]
      return cells.flatMap((cell, index) =>
        /[$`]/.test(cell) || enumerated.test(names[index] ?? '')
          ? []
          : [{ line, text, reason: `the column ${names[index]} has the fixed word "${cell}"` }],
      )
    })
  },
}

const sample = /\.(example|sample|template|dist|bak|backup)/

export const otherEnvFile: DocumentTrap = {
  name: 'other-env-file',
  cure: 'name the file that production uses in every command; a target declares it once',
  search: ({ parts, steps }) => {
    const named = parts.flatMap((part) =>
      part.kind === 'inline' && /^(\S*\/)?\.env\.\w+$/.test(part.text) && !sample.test(part.text)
        ? [part]
        : [],
    )
    return named.flatMap(({ text: file }, index) => {
      if (
        named.findIndex(({ text }) => text === file) !== index ||
        steps.some(({ text }) => text.includes(file))
      )
        return []
      const used = steps.find(({ compose }) => (compose?.global.value('env-file') ?? null) !== null)
      const other = used?.compose?.global.value('env-file')
      return used === undefined
        ? []
        : [
            {
              line: used.line,
              text: used.text,
              reason: `the document names ${file}, and its commands read ${other}`,
            },
          ]
    })
  },
}

/** `app_YYYYMMDD_HHMMSS.dump` as a pattern of names. */
function patternOf(name: string): RegExp | null {
  if (!/YYYY/.test(name)) return null
  const escaped = name.replace(/^.*\//, '').replaceAll(/[.*+?^$()[\]{}|\\]/g, String.raw`\$&`)
  return new RegExp(`^${escaped.replaceAll(/YYYY|MM|DD|HH|SS/g, (part) => String.raw`\d{${part.length}}`)}$`)
}

const extension = (name: string): string => /\.[\w.]+$/.exec(name)?.[0] ?? ''

/** File names that a text has between spaces, quotes and slashes. */
const namesIn = (text: string): readonly string[] => text.match(/[\w.-]+\.[a-z]\w*/g) ?? []

const textsOf = (parts: readonly Part[]): readonly { readonly line: number; readonly text: string }[] =>
  parts.flatMap((part) =>
    part.kind === 'heading' || part.kind === 'prose' ? [] : [{ line: part.line, text: part.text }],
  )

export const otherName: DocumentTrap = {
  name: 'other-name',
  cure: 'write the pattern that the files really have; the target declares it once, and the steps list what does not match',
  search: ({ parts }) => {
    const found = textsOf(parts).flatMap(({ line, text }) => namesIn(text).map((name) => ({ line, name })))
    const patterns = found.flatMap(({ name }) => {
      const pattern = patternOf(name)
      return pattern === null ? [] : [{ name, pattern, stem: /^[a-zA-Z]+/.exec(name)?.[0] ?? '' }]
    })
    return found.flatMap(({ line, name }) => {
      if (!/\d{8}/.test(name)) return []
      const alike = patterns.filter(
        (entry) =>
          extension(entry.name) === extension(name) && entry.stem !== '' && name.startsWith(entry.stem),
      )
      const [first] = alike
      return first === undefined || alike.some(({ pattern }) => pattern.test(name))
        ? []
        : [
            {
              line,
              text: name,
              reason: `the name does not match ${first.name}, by which the document says to look`,
            },
          ]
    })
  },
}

export const otherPort: DocumentTrap = {
  name: 'other-port',
  cure: 'say once which port is used; the step startThrowaway takes a free one and records it',
  search: ({ parts, steps }) => {
    const published = steps.flatMap(({ docker }) => {
      const port = docker?.verb === 'run' ? docker.options.value('publish', 'p') : null
      const image = docker?.operands[0]
      return port === null || image === undefined ? [] : [{ image, port: /(\d+):\d+$/.exec(port)?.[1] ?? '' }]
    })
    return parts.flatMap(({ kind, line, text }) => {
      if (kind !== 'prose') return []
      return published.flatMap(({ image, port }) => {
        const said = text.includes(image) ? /(?:\bon |\bport )\s*:?(\d{4,5})\b/.exec(text)?.[1] : undefined
        return said === undefined ||
          port === '' ||
          said === port ||
          published.some((other) => other.port === said)
          ? []
          : [{ line, text, reason: `the record says port ${said}, the instructions say ${port}` }]
      })
    })
  },
}

/** Both words close together: a table or a long paragraph may have them in different statements. */
const latestPointer = /\blatest\b[^|\n]{0,40}\bpointers?\b|\bpointers?\b[^|\n]{0,40}\blatest\b/i

export const pointerToLatest: DocumentTrap = {
  name: 'latest-pointer',
  cure: 'keep several, each with what it was proven to be; the step chooseImage lists the versions that were captured',
  search: ({ parts }) =>
    parts.flatMap((part) =>
      part.kind === 'prose' && latestPointer.test(part.text)
        ? [
            {
              line: part.line,
              text: part.text,
              reason: 'after a second snapshot of a bad version the pointer leads back to that version',
            },
          ]
        : [],
    ),
}

export const pruneTooShallow: DocumentTrap = {
  name: 'prune-too-shallow',
  cure: 'search as deep as the folders go; the step pruneBackups uses the same layout as the backup',
  search: ({ parts, steps }) => {
    const layouts = textsOf(parts).flatMap(({ text }) => text.match(/[\w./~-]*YYYY[\w/-]*/g) ?? [])
    return steps.flatMap(({ main, line, text }) => {
      const folder = main.program === 'find' ? main.args[0]?.replace(/\/$/, '') : undefined
      const depth = Number(main.args[main.args.indexOf('-maxdepth') + 1])
      if (
        folder === undefined ||
        !main.args.includes('-maxdepth') ||
        !(main.args.includes('-delete') || /\brm\b/.test(text))
      )
        return []
      const layout = layouts.find((path) => path.startsWith(`${folder}/`))
      if (layout === undefined) return []
      const below = layout
        .slice(folder.length + 1)
        .split('/')
        .filter((name) => /YYYY|MM|DD/.test(name)).length
      return depth >= below + 1
        ? []
        : [
            {
              line,
              text,
              reason: `the files are ${below + 1} levels below ${folder} (${layout}): it finds none, and the disk fills up`,
            },
          ]
    })
  },
}
