import { EOL } from 'node:os'
import {
  DefaultRenderer,
  Listr,
  ListrLogger,
  PRESET_TIMER,
  ProcessOutput,
  VerboseRenderer,
  type ListrTask,
  type ListrTaskWrapper,
} from 'listr2'
import type { Clock } from '../kernel/clock.ts'
import { textOf } from '../kernel/errors.ts'
import type { Agenda, Todo } from '../run/engine/agenda.ts'
import type { Conductor, Single } from '../run/engine/conductor.ts'
import type { Listener } from '../run/journal/events.ts'
import type { Ended } from '../run/engine/perform.ts'
import { Stopped } from '../run/engine/stop.ts'
import type { Drawing } from './drawing.ts'
import { Board } from './board.ts'
import { withoutEmptyLines } from './frame.ts'
import { endingOf, titleOf } from './titles.ts'

export type ListrSettings = {
  readonly drawing: Drawing
  /** Where to draw: stderr, since stdout is for results. */
  readonly stream: NodeJS.WriteStream
  readonly clock: Clock
  /** Titles of steps that were done before this process resumed the run. */
  readonly earlier?: readonly string[]
  /** Lines below the steps while they run, as wide as the screen at most; asked at every redraw. */
  readonly footer?: () => readonly string[]
}

export interface ListrConductor extends Conductor {
  /** Receives the events of the run: output, progress and notes are drawn under their step. */
  readonly listener: Listener
  /** Prompts under the step that asks, one question at a time. */
  prompt(step: string, message: string, signal: AbortSignal): Promise<string>
  /** Shows a text at once without breaking the drawing. */
  announce(text: string): void
}

// Listr2 checks whether stdout is a terminal, but draws on stderr, which was checked before.
class LiveRenderer extends DefaultRenderer {
  static override nonTTY = true
}

/** The footer is above a prompt, whose last line is where the cursor is. It is no part of what stays on the screen. */
function rendererWith(footer: () => readonly string[]): typeof LiveRenderer {
  return class extends LiveRenderer {
    override create(options?: Parameters<DefaultRenderer['create']>[0]): string {
      const steps = super.create({ ...options, prompt: false })
      if (options?.prompt === false) return steps
      const prompt = super.create({ ...options, tasks: false, bottomBar: false })
      const below = footer().join(EOL)
      const frame = [steps, below, prompt].filter((part) => part !== '').join(`${EOL}${EOL}`)
      return withoutEmptyLines(frame)
    }
  }
}

type Wrapper = ListrTaskWrapper<unknown, typeof LiveRenderer, typeof VerboseRenderer>

/** A failed todo, with the message for the screen. It ends the list and is never thrown to the engine. */
class TodoFailed extends Error {}

/**
 * Listr2 only sequences and draws: rollback, retries and signals belong to the engine. A failed member of a
 * group fails the group only after all its siblings have ended.
 */
export function listrConductor(settings: ListrSettings): ListrConductor {
  const board = new Board(settings)
  const Renderer = rendererWith(settings.footer ?? (() => []))
  let earlier = settings.earlier ?? []
  return {
    listener: (event) => board.hear(event),
    prompt: (step, message, signal) => board.prompt(step, message, signal),
    announce: (text) => board.announce(text),
    async conduct(act, todos, work) {
      const round = new Round(board, act, work)
      const before = earlier.map((title) => ({
        title,
        task: (_: unknown, wrapper: Wrapper) => wrapper.skip(`${title} (done before)`),
      }))
      earlier = []
      // It wraps the stream for the duration of one list, so each list needs its own.
      const output = new ProcessOutput(settings.stream, settings.stream, { leaveEmptyLine: false })
      const logger = new ListrLogger({ processOutput: output, useIcons: settings.drawing === 'live' })
      const list = new Listr<unknown, typeof LiveRenderer, typeof VerboseRenderer>(
        [...before, ...todos.map((todo) => round.task(todo))],
        {
          renderer: Renderer,
          fallbackRenderer: VerboseRenderer,
          fallbackRendererCondition: settings.drawing === 'lines',
          silentRendererCondition: settings.drawing === 'silent',
          rendererOptions: {
            logger,
            timer: PRESET_TIMER,
            collapseSubtasks: false,
            collapseSkips: true,
            formatOutput: 'truncate',
          },
          fallbackRendererOptions: { logger, timer: PRESET_TIMER },
          concurrent: false,
          exitOnError: true,
          registerSignalListeners: false,
        },
      )
      board.begin()
      try {
        await list.run()
        if (round.thrown !== null) throw round.thrown.error
      } catch (thrown) {
        if (round.thrown !== null) throw round.thrown.error
        if (!(thrown instanceof TodoFailed)) throw thrown
      } finally {
        board.end()
      }
    },
  }
}

class Round {
  readonly #board: Board
  readonly #act: Agenda['act']
  readonly #work: (todo: Single) => Promise<Ended>
  /** The first error that is not a failure of a step: it is rethrown unchanged. */
  thrown: { readonly error: unknown } | null = null

  constructor(board: Board, act: Agenda['act'], work: (todo: Single) => Promise<Ended>) {
    this.#board = board
    this.#act = act
    this.#work = work
  }

  task(todo: Todo): ListrTask<unknown, typeof LiveRenderer, typeof VerboseRenderer> {
    if (todo.do !== 'together') return { ...this.#single(todo), title: titleOf(this.#act, todo) }
    return {
      title: titleOf(this.#act, todo),
      rendererOptions: { outputBar: 5 },
      task: (_, wrapper) => {
        const endings: Promise<unknown>[] = []
        const members = todo.todos.map(
          (one): ListrTask<unknown, typeof LiveRenderer, typeof VerboseRenderer> => {
            if (one.do === 'together') throw new TypeError('a group inside a group')
            const member = this.#single(one, endings)
            // Listr2 awaits this after marking a member as failed and before rejecting the list.
            return {
              ...member,
              title: titleOf(this.#act, one),
              exitOnError: async () => (await Promise.allSettled(endings), true),
            }
          },
        )
        return wrapper.newListr(members, { concurrent: true, exitOnError: true })
      },
    }
  }

  #single(
    todo: Single,
    endings?: Promise<unknown>[],
  ): Pick<ListrTask<unknown, typeof LiveRenderer, typeof VerboseRenderer>, 'task' | 'rendererOptions'> {
    const perform = async (wrapper: Wrapper): Promise<void> => {
      const title = titleOf(this.#act, todo)
      // A step that never began has not failed, so it does not end the list: the rest is passed over.
      if (this.thrown !== null) return wrapper.skip(`${title}: not started`)
      const line = 'step' in todo ? this.#board.put(todo.step.id, title, wrapper) : null
      try {
        const ended = await this.#work(todo)
        line?.remove()
        if (!ended.ok) throw new TodoFailed(`${title}: ${ended.failure.message}`)
        if (ended.as === 'skipped')
          wrapper.skip(`${title} (${todo.do === 'skip' ? todo.because : 'not taken'})`)
        else wrapper.title = `${title}${endingOf(ended)}`
      } catch (thrown) {
        line?.remove()
        if (thrown instanceof TodoFailed) throw thrown
        this.thrown ??= { error: thrown }
        if (neverBegan(thrown)) return wrapper.skip(`${title}: not started, the run was stopped`)
        throw new TodoFailed(`${title}: ${reasonOf(thrown)}`)
      }
    }
    return {
      rendererOptions: { outputBar: 5 },
      task: (_, wrapper) => {
        const ending = perform(wrapper)
        endings?.push(ending)
        return ending
      },
    }
  }
}

const neverBegan = (thrown: unknown): boolean => thrown instanceof Stopped && thrown.doubt === null

const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : textOf(thrown))
