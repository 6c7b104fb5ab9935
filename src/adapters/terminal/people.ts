import { userInfo } from 'node:os'
import type { Answer, People, Question } from '../../drivers/people.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Clock } from '../../kernel/clock.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import { sanitize } from '../../kernel/sanitize.ts'
import { answeredBeforehand, answers, flagsFor, type Answers } from '../../model/answer.ts'

export type Operator = {
  readonly clock: Pick<Clock, 'now'>
  /** Whether standard input and error are a terminal. Questions are asked only then. */
  readonly atTerminal: boolean
  /** Shows a text and returns one line exactly as typed. */
  readonly prompt: (message: string, signal: AbortSignal) => Promise<string>
  /** `--confirm PHRASE`. */
  readonly confirm: string | null
  /** `--yes`. Never answers a question with a phrase. */
  readonly yes: boolean
  /** `--answer NAME=TEXT` and `--skip NAME=REASON`, by duty; the latter as `skip: REASON`. */
  readonly answers: Answers
  readonly environment: { readonly [name: string]: string | undefined }
}

const tries = 3

/** Answers from the command line, from the environment, or from the operator at the terminal. */
export function peopleAt(operator: Operator, scope: Pick<Scope, 'signal'>): People {
  return {
    reachable: async (question) =>
      presetAnswer(operator, question)?.how ?? (operator.atTerminal ? 'terminal' : null),
    async ask(question) {
      const given = presetAnswer(operator, question)
      const { how, text } = given ?? { how: 'terminal' as const, text: await asked(question) }
      return { by: whoAnswers(operator.environment), at: operator.clock.now().toISOString(), how, text }
    },
  }

  async function asked(question: Question): Promise<string> {
    if (!operator.atTerminal) throw noTerminal(question)
    let message = screenOf(question)
    for (let left = tries - 1; left >= 0; left--) {
      const text = await operator.prompt(message, scope.signal).catch((thrown: unknown) => {
        scope.signal.throwIfAborted()
        if (!(thrown instanceof Error) || thrown.name !== 'ExitPromptError') throw thrown
        throw new RunbookError('interrupted', `the question "${question.text}" was cancelled with Ctrl-C`)
      })
      if (answers(question, text)) return text
      message = `Wrong answer, ${left === 1 ? '1 try' : `${left} tries`} left.\n${screenOf(question)}`
    }
    throw cannot('accept', `the answer to "${question.text}"`, `wrong ${tries} times`, {
      code: 'preflight',
      hint: question.phrase === null ? 'run it again' : `run it again and type exactly:  ${question.phrase}`,
    })
  }
}

/** The answer given on the command line or in the environment; null if there is none, or it is wrong. */
function presetAnswer(operator: Operator, question: Question): Pick<Answer, 'how' | 'text'> | null {
  const { confirm, yes, environment, atTerminal } = operator
  if (question.duty !== undefined) {
    const text = answeredBeforehand(question, operator.answers)
    return text === undefined ? null : { how: 'flag', text }
  }
  if (question.phrase === null ? confirm !== null && confirm.trim() !== '' : confirm === question.phrase)
    return { how: 'flag', text: confirm ?? '' }
  if (question.phrase === null && yes) return { how: 'flag', text: 'yes' }
  const accepted = question.acceptsEnvironment && !atTerminal && environment['RESTORE_CONFIRM'] === 'YES'
  return accepted ? { how: 'environment', text: 'YES' } : null
}

function noTerminal(question: Question): RunbookError {
  if (question.duty !== undefined)
    return cannot('ask for', `the duty "${question.text}"`, 'no terminal', {
      code: 'preflight',
      hint: flagsFor(question.duty),
    })
  const flag = question.phrase === null ? '--yes' : `--confirm '${question.phrase.replaceAll("'", "'\\''")}'`
  const variable = question.acceptsEnvironment ? ', or set RESTORE_CONFIRM=YES' : ''
  return cannot('ask', `"${question.text}"`, 'no terminal', {
    code: 'preflight',
    hint: `add ${flag}${variable}`,
  })
}

function screenOf(question: Question): string {
  const facts = Object.entries(question.showing).map(
    ([name, value]) => `  ${name}: ${withoutControls(value)}`,
  )
  return [question.text, ...facts, requestOf(question)].join('\n')
}

function requestOf({ phrase, duty }: Question): string {
  if (phrase !== null) return `To continue, type exactly:  ${phrase}\n>`
  if (duty === undefined) return 'Your answer:'
  return `When it is done, type what was done${duty.skippable ? '; or  skip: REASON' : '; it cannot be skipped'}\n>`
}

/** Facts may come from files and servers, so nothing in them may control how the terminal shows the text. */
const withoutControls = (value: Json): string =>
  sanitize((typeof value === 'string' ? value : JSON.stringify(value)).replaceAll(/\p{Cc}/gu, '\u{fffd}'))

/** The operator by the system's user name; under sudo both names. A user in a container may have no name. */
export function whoAnswers(environment: Operator['environment']): string {
  let user: string
  try {
    user = userInfo().username
  } catch {
    user = `user ${process.getuid?.() ?? 'unknown'}`
  }
  const caller = environment['SUDO_USER']
  return caller === undefined || caller === '' || caller === user ? user : `${caller} (as ${user})`
}

/**
 * Prompts on stderr, since stdout is for results. While Listr2 draws, its own prompt adapter must be used
 * instead. Never call it without a terminal: Node exits with code 13 when a top-level await can no longer
 * settle.
 * @param otherwise the answer to an empty line
 */
export async function promptOnTerminal(
  message: string,
  signal: AbortSignal,
  otherwise?: string,
): Promise<string> {
  const { input } = await import('@inquirer/prompts')
  return input(
    { message, ...(otherwise === undefined ? {} : { default: otherwise }) },
    { signal, output: process.stderr },
  )
}

/**
 * As `promptOnTerminal`, but the terminal itself echoes what is typed: nothing is redrawn, which a terminal without
 * cursor cannot and a screen reader would read again. Ctrl-C is a signal here, and the end of input cancels.
 */
export async function promptPlainly(message: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  const closed = new Promise<never>((_, reject) => {
    lines.once('close', () =>
      reject(Object.assign(new Error('the input has ended'), { name: 'ExitPromptError' })),
    )
  })
  try {
    return await Promise.race([lines.question(`${message} `, { signal }), closed])
  } finally {
    closed.catch(() => undefined)
    lines.close()
  }
}
