import { partsOf, procedureOf, type Heading, type Part, type Place } from './document.ts'
import { composeOf, dockerOf, programOf, type Compose, type Docker, type Program } from './docker.ts'
import { readShell, type Call, type Line } from './shell.ts'

/** A command of the document, with what it is read as. */
export type Step = Place & {
  readonly text: string
  readonly from: 'block' | 'inline'
  /** The block of code that it is in: a new one begins a new shell. */
  readonly block: number
  readonly procedure: Heading | null
  readonly shell: Line
  /** The first program of the pipeline that is more than a source of text for the next one. */
  readonly main: Call
  readonly compose: Compose | null
  readonly docker: Docker | null
  readonly program: Program
}

export type Procedure = {
  readonly parts: readonly Part[]
  readonly steps: readonly Step[]
  /** Lines of shell that could not be read. */
  readonly unread: readonly { readonly line: number; readonly message: string }[]
  /** What blocks of code have besides commands: samples of output, names, other languages. */
  readonly samples: readonly { readonly line: number; readonly text: string }[]
}

/** Of blocks of code: other languages are samples. */
const shellLanguages = new Set([null, 'bash', 'sh', 'shell', 'console', 'zsh', 'shell-session'])

/** Programs that the text of a paragraph names as commands; elsewhere one word may be anything. */
const programs = new Set(
  (
    'docker docker-compose podman psql pg_dump pg_dumpall pg_restore pg_isready createdb dropdb createuser sqlite3 alembic ' +
    'curl wget gpg age openssl tar gzip gunzip zstd rsync scp ssh sha256sum shasum md5sum systemctl service journalctl git gh npm npx ' +
    'pnpm yarn node python python3 bash sh make kubectl helm cp mv rm mkdir chown chmod ln cat tail head ls du df find grep sed awk jq ' +
    'mountpoint mount umount stat nano vi vim restic aws rclone pg_ctl redis-cli mysql mysqldump crontab kill pkill watch nc netstat ss lsof'
  ).split(' '),
)

/** `GET /health` in a paragraph is an instruction to call it. */
const methods = new Set(['GET', 'HEAD', 'POST'])

export function readProcedure(markdown: string): Procedure {
  const parts = partsOf(markdown)
  const steps: Step[] = []
  const unread: { line: number; message: string }[] = []
  const samples: { line: number; text: string }[] = []

  parts.forEach((part, block) => {
    if (part.kind === 'code') {
      if (!shellLanguages.has(part.language)) {
        samples.push({ line: part.line, text: part.text })
        return
      }
      const { lines, errors } = readShell(withoutPrompts(part.text), part.line)
      for (const line of lines) {
        if (isSample(line)) samples.push({ line: line.line, text: line.text })
        else steps.push(stepOf(line, part, block, 'block'))
      }
      unread.push(...errors)
    } else if (part.kind === 'inline') {
      const { lines, errors } = readShell(part.text, part.line)
      const [first] = lines
      if (errors.length === 0 && first !== undefined && isCommand(first))
        for (const line of lines) steps.push(stepOf(line, part, block, 'inline'))
    }
  })
  return { parts, steps, unread, samples }
}

/** `$ docker ps` begins with the prompt of a console, not with the command. */
const withoutPrompts = (code: string): string =>
  code.replaceAll(/^(\s*)[$#] (?=\S)/gm, (found, space: string) =>
    found.trim() === '$' ? `${space}  ` : found,
  )

function isCommand({ stages }: Line): boolean {
  const { program, path, args, variables } = stages[0]
  if (args.some((arg) => arg === '...' || arg === '…')) return false
  if (program === '') return [...variables.keys()].some((name) => /^[A-Z][A-Z0-9_]+$/.test(name))
  if (methods.has(program)) return args.length === 1 && (args[0] ?? '').startsWith('/')
  if (/^(\.{1,2}|~)?\/.*\.(sh|py|ts|js)$/.test(path)) return true
  if (/\.(sh|py|ts|js)$/.test(path)) return args.length > 0
  if (args.length === 0 || !stages.some((stage) => programs.has(stage.program))) return false
  return !(program === 'docker' && args.length === 1 && args[0] === 'compose')
}

/** In a block of shell: a date, a name of an image, YAML. */
function isSample({ stages: [call] }: Line): boolean {
  const { path, args } = call
  return (
    /^\d{4}-\d\d-\d\d$/.test(path) ||
    /^-[rwx-]{9}$/.test(path) ||
    path.endsWith(':') ||
    (args.length === 0 && /^[\w.-]+(\/[\w.-]+)*:[\w.-]+$/.test(path))
  )
}

/** Programs that only give text to the next one of a pipeline. */
const sources = new Set(['cat', 'echo', 'printf', 'zcat', 'gunzip', 'gzip', 'zstd', 'yes'])

function stepOf(shell: Line, { headings, item }: Place, block: number, from: Step['from']): Step {
  const main = shell.stages.find(({ program }) => !sources.has(program)) ?? shell.stages[0]
  const views = new Set(['head', 'tail', 'less', 'jq', 'grep', 'wc', 'sort'])
  // `cat history.log | tail -5` reads a file: what comes after is only how it is shown.
  const shown = shell.stages[0] !== main && views.has(main.program) ? shell.stages[0] : main
  return {
    line: shell.line,
    headings,
    item,
    text: shell.text,
    from,
    block,
    procedure: procedureOf({ headings }),
    shell,
    main: shown,
    compose: composeOf(shown),
    docker: dockerOf(shown),
    program: programOf(shown),
  }
}
