import { hostname } from 'node:os'
import isInCi from 'is-in-ci'
import { DiskEvidence } from '../adapters/evidence/folder.ts'
import { registerAvailable } from '../adapters/environment/secrets.ts'
import { diskFiles } from '../adapters/disk/files.ts'
import { thisProcess } from '../adapters/journal/process-identity.ts'
import { openJournal } from '../adapters/journal/open.ts'
import { promptOnTerminal, promptPlainly, whoAnswers } from '../adapters/terminal/people.ts'
import { drawingFor, isPlain } from '../conduct/drawing.ts'
import { listrConductor } from '../conduct/listr.ts'
import type { Loaded } from '../config/load.ts'
import type { Drivers } from '../drivers/drivers.ts'
import type { Scope } from '../drivers/scope.ts'
import { systemClock } from '../kernel/clock.ts'
import type { Secret } from '../kernel/secret.ts'
import { systemRandomness } from '../kernel/randomness.ts'
import type { Runtime } from '../run/start.ts'
import { earlierRuns } from '../run/record/earlier-runs.ts'
import { estimateAtStart } from '../run/record/estimate.ts'
import { evidenceFolder } from '../run/record/evidence-folder.ts'
import type { Sources } from '../run/record/provenance.ts'
import type { Stored } from '../run/journal/entry.ts'
import type { Listener } from '../run/journal/events.ts'
import type { Answers } from '../model/answer.ts'
import type { Journal } from '../run/journal/journal.ts'
import type { News } from '../run/engine/announce.ts'
import { newsOf, turningNewsOf } from '../run/record/news.ts'
import { pastTimesOfRun } from '../run/record/past-times.ts'
import { runStatusOf } from '../run/record/run-status.ts'
import { StopButton } from '../run/engine/stop.ts'
import { KeptPrograms } from '../adapters/process/kept-programs.ts'
import { answersOfLooks } from './compose-answers.ts'
import { driversFor } from './drivers.ts'
import { provenanceBy } from './provenance.ts'
import { LiveView } from './live-view.ts'
import { locksFor } from './locks.ts'
import { storyTeller } from './story.ts'
import type { Terminal } from './terminal.ts'

/** How to run, as given by flags. */
export type RunOptions = {
  readonly json: boolean
  /** Shows nothing; what happens is in the journal. */
  readonly quiet?: boolean
  readonly confirm: string | null
  readonly yes: boolean
  /** Answers to duties, from `--answer` and `--skip`. */
  readonly answers: Answers
  /** Titles of the steps that are already done when a run is resumed. */
  readonly earlier: readonly string[]
  /** Entries of a run that is resumed; missing for a new one. */
  readonly begun?: readonly Stored[]
}

export type Engine = {
  readonly runtime: Runtime
  readonly journal: Journal
  readonly stop: StopButton
  /** Ends the view of a run that is under way, with whatever it still has scheduled. */
  endView(): void
  announce(text: string): void
}

/** Chooses the adapter behind every port: the only place that does. */
export async function wire(
  loaded: Loaded,
  terminal: Terminal,
  version: string,
  options: RunOptions,
  asTyped: (text: string) => string,
  sourcesOf: ((runbook: string) => Promise<Sources>) | null = null,
): Promise<Engine> {
  const journal = await openJournal(loaded.state)
  const { redactor } = terminal
  const secretSources = { environment: process.env, register: (secret: Secret) => redactor.add(secret) }
  const stop = new StopButton()
  const drawing = drawingFor({
    json: options.json || options.quiet === true,
    inCi: isInCi,
    screen: process.stderr,
    environment: process.env,
  })
  const conductor = listrConductor({
    drawing,
    stream: terminal.screen,
    clock: systemClock,
    earlier: options.earlier,
    footer: () => view.lines(),
  })
  const past = once((entries: readonly Stored[]) => pastTimesOfRun(journal, entries))
  const view = new LiveView({
    drawing,
    width: () => (process.stderr.isTTY ? process.stderr.columns || null : null),
    clock: systemClock,
    begun: options.begun ?? [],
    past,
    say: (text) => conductor.announce(asTyped(text)),
  })
  const prompt = async (step: string, message: string, signal: AbortSignal): Promise<string> => {
    try {
      return await (drawing === 'live'
        ? conductor.prompt(step, message, signal)
        : isPlain(process.env)
          ? promptPlainly(message, signal)
          : promptOnTerminal(message, signal))
    } catch (thrown) {
      // While a prompt is open, Ctrl-C is a key and not a signal. Only the question is pending, so stop at
      // once.
      if (thrown instanceof Error && thrown.name === 'ExitPromptError' && !signal.aborted) {
        stop.ask('SIGINT')
        stop.ask('SIGINT')
      }
      throw thrown
    }
  }
  const listener: Listener = (heard) => {
    view.hear(heard)
    const event = heard.type === 'note' ? { ...heard, line: asTyped(heard.line) } : heard
    conductor.listener(event)
    if (!options.json) return
    if (event.type === 'output')
      terminal.json({ event: 'output', step: event.step, text: Buffer.from(event.chunk).toString('utf8') })
    else if (event.type === 'entry') terminal.json({ event: 'entry', ...event.stored })
    else {
      const { type, ...rest } = event
      terminal.json({ event: type, ...rest })
    }
  }
  const atTerminal = process.stdin.isTTY && process.stderr.isTTY
  const by = whoAnswers(process.env)
  const programs = new KeptPrograms()
  const answersFor = answersOfLooks()
  const drivers = (scope: Scope): Drivers =>
    driversFor(
      {
        clock: systemClock,
        journal,
        state: loaded.state,
        program: `runbook ${version}`,
        ...secretSources,
        programs,
        composeAnswers: answersFor(scope),
        operator: ({ step }) => ({
          clock: systemClock,
          atTerminal,
          confirm: options.confirm,
          yes: options.yes,
          answers: options.answers,
          environment: process.env,
          prompt: (message, signal) => prompt(step, message, signal),
        }),
      },
      scope,
    )
  const runtime: Runtime = {
    journal,
    evidence: new DiskEvidence({ state: loaded.state, files: diskFiles, mask: redactor }),
    conductor,
    clock: systemClock,
    randomness: systemRandomness,
    mask: redactor,
    stop,
    listener,
    drivers,
    locks: locksFor({
      clock: systemClock,
      register: (secret) => redactor.add(secret),
      environment: process.env,
    }),
    identity: { ...thisProcess(by), host: hostname() },
    engine: `runbook ${version}`,
    folderOf: (run, order, startedAt) =>
      evidenceFolder({
        artifacts: loaded.artifacts,
        story: order.story,
        startedAt,
        runbook: order.planned.plan.runbook,
        run,
        mode: order.mode,
      }),
    // Only here: nothing that renders a report delays the start of a run.
    filesOf: async (entries) => (await import('../views/files.ts')).filesOf(entries),
    earlierRuns: (run, plan) => earlierRuns(journal, run, plan),
    estimateOf: async (entries) => estimateAtStart(entries, await past(entries)),
    ...(sourcesOf === null ? {} : provenanceBy(drivers, stop.now, sourcesOf)),
    whenSealed: storyTeller(loaded.stories, terminal),
    statusOf: runStatusOf,
    newsOf: (entries) => typedNews(newsOf(entries), asTyped),
    turningNewsOf: (entries) => typedNews(turningNewsOf(entries), asTyped),
    registerSecrets: (handles) => registerAvailable(handles, secretSources),
  }
  return {
    runtime,
    journal,
    stop,
    endView: () => view.end(),
    announce: (text) => (drawing === 'silent' ? terminal.err(`${text}\n`) : conductor.announce(text)),
  }
}

const typedNews = (news: News | null, asTyped: (text: string) => string): News | null =>
  news === null ? null : { ...news, text: asTyped(news.text) }

/** One run, so the answer to the first question is the answer to all. */
function once<A, T>(ask: (about: A) => Promise<T>): (about: A) => Promise<T> {
  let answer: Promise<T> | null = null
  return (about) => (answer ??= ask(about))
}
