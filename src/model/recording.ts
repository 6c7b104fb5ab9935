import { RunbookError } from '../kernel/errors.ts'
import { canonical, isJson, type Json, type JsonObject } from '../kernel/json.ts'
import { Secret } from '../kernel/secret.ts'
import { addressOf, isAddress, refTo, type Address } from './ref.ts'
import type { Runbook, Script, StepOptions } from './runbook.ts'
import { callFault, casesFault, groupFault, pivotFault } from './script-fault.ts'
import { idFault, idOf } from './step-id.ts'
import { acts, type AnyStep, type Call } from './step.ts'
import type { Section, Target, TargetWith } from './target.ts'

/** Node's timers take at most 2^31 - 1 ms. */
const longestSeconds = Math.floor((2 ** 31 - 1) / 1000)

/** A branch condition: the step runs only if the value equals `is`. */
export type Only = { readonly value: Address & JsonObject; readonly is: string }

export interface Recorded {
  readonly id: string
  readonly title: string
  readonly step: AnyStep
  /** With refs replaced by their addresses. */
  readonly input: JsonObject
  readonly phase: 'reversible' | 'committed' | 'lastly'
  readonly group: string | null
  readonly only: readonly Only[]
  /** Ids of the steps whose outputs it reads. */
  readonly needs: readonly string[]
  readonly patience: Omit<StepOptions, 'id'>
}

export interface Recording {
  readonly steps: readonly Recorded[]
  readonly pivot: { readonly before: number; readonly because: string } | null
}

/**
 * Records the script twice and compares, to catch one that depends on time, chance or the environment.
 * @throws RunbookError `usage` if the script is not a valid runbook
 */
export function recordingOf(book: Runbook, target: Target): Recording {
  const first = new Recorder(book, target).recording()
  const second = new Recorder(book, target).recording()
  if (canonical(shapeOf(first)) !== canonical(shapeOf(second))) {
    throw new RunbookError(
      'usage',
      `cannot record the runbook ${book.name}: two recordings in a row differ`,
      {
        hint: 'its script must not depend on time, chance or the environment; read those inside a step',
      },
    )
  }
  return first
}

function shapeOf({ steps, pivot }: Recording): Json {
  return [
    pivot,
    steps.map(({ step, patience, ...rest }) => ({
      ...rest,
      kind: step.kind,
      version: step.version,
      patience: patience as JsonObject,
    })),
  ] as unknown as Json
}

type TakenOutput = Extract<Address, { readonly $ref: string }>

class Recorder {
  readonly #book: Runbook
  readonly #target: Target
  readonly #steps: Recorded[] = []
  #pivot: Recording['pivot'] = null
  #group: string | null = null
  readonly #groups = new Set<string>()
  #only: readonly Only[] = []
  #done = false

  constructor(book: Runbook, target: Target) {
    this.#book = book
    this.#target = target
  }

  recording(): Recording {
    const params = Object.fromEntries(
      Object.keys(this.#book.about.params).map((name) => [name, refTo({ $param: name, path: [] })]),
    )
    const script: Script<Runbook['about']['params'], Section> = {
      params: params as Script<Runbook['about']['params'], Section>['params'],
      target: this.#target as TargetWith<Section>,
      step: (title, call, options) => refTo({ $ref: this.#record(title, call, options, false), path: [] }),
      parallel: (title, record) => this.#inGroup(title, record),
      when: (value, cases) => this.#branch(value, cases) as never,
      pointOfNoReturn: (because) => this.#mark(because),
      lastly: (title, call, options) => void this.#record(title, call, options, true),
    }
    const returned = this.#played(script)
    this.#done = true
    this.#notAsync(returned, 'its script')
    if (this.#steps.length === 0)
      throw this.#wrong('it records no steps', 'call step(title, …) in its script')
    return { steps: this.#steps, pivot: this.#pivot }
  }

  #played(script: Parameters<Runbook['record']>[0]): unknown {
    try {
      return this.#book.record(script)
    } catch (thrown) {
      if (thrown instanceof RunbookError) throw thrown
      throw new RunbookError('usage', `cannot record the runbook ${this.#book.name}`, {
        cause: thrown,
        hint: 'fix its script',
        by: 'author',
      })
    }
  }

  #record(title: string, call: Call<Json>, options: StepOptions = {}, lastly: boolean): string {
    this.#refuse(callFault(title, call, options))
    if (this.#done)
      throw this.#wrong(
        `the step "${title}" is added after its script has ended`,
        'record every step while the script runs',
      )
    const { id: given, ...patience } = options
    this.#refuse(idFault(title, given, this.#steps))
    const id = given ?? idOf(title)
    if (!lastly && this.#steps.some((step) => step.phase === 'lastly')) {
      throw this.#wrong(`the step "${title}" follows a lastly step`, 'move lastly(…) to the end')
    }
    if (lastly && this.#group !== null)
      throw this.#wrong(
        `lastly "${title}" is inside parallel(…)`,
        'move lastly(…) to the end, outside parallel(…)',
      )
    if (lastly && this.#only.length > 0)
      throw this.#wrong(`lastly "${title}" is in a branch`, 'move lastly(…) to the end, outside when(…)')
    this.#checkPatience(title, { timeoutSeconds: call.step.timeoutSeconds, ...patience })
    const input = this.#addressed(call.input, title) as JsonObject
    this.#checkAddress(title, call.step, input)
    const phase = lastly ? 'lastly' : this.#pivot === null ? 'reversible' : 'committed'
    if (phase === 'reversible' && acts(call.step) && call.step.irreversible !== undefined) {
      throw this.#wrong(
        `"${title}" cannot be undone (${call.step.irreversible}) but is before the point of no return`,
        'move it after pointOfNoReturn(…) or into lastly(…), or use a step with an undo',
      )
    }
    const taken = addressesIn(input).flatMap((address) => ('$ref' in address ? [address] : []))
    const needs = [...new Set(taken.map((address) => address.$ref))]
    this.#checkNeeds(`"${title}"`, taken)
    const unguarded = taken.find((address) => address.maybe !== true)
    if (lastly && unguarded !== undefined) {
      throw this.#wrong(
        `lastly "${title}" takes the output of "${unguarded.$ref}", which may never have run`,
        'wrap it in maybe(…), which gives null if it did not run',
      )
    }
    this.#steps.push({
      id,
      title,
      step: call.step,
      input,
      phase,
      group: this.#group,
      only: this.#only,
      needs,
      patience,
    })
    return id
  }

  #checkAddress(title: string, step: AnyStep, input: JsonObject): void {
    const { addressedBy } = step
    const name = addressOfStep(step, input)
    if (addressedBy === undefined) return
    if (name === null || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
      throw this.#wrong(
        `the ${addressedBy} of "${title}" is ${JSON.stringify(input[addressedBy] ?? null)}`,
        'use lowercase letters, digits and single hyphens',
      )
    }
    const duplicate = this.#steps.find((step) => addressOfStep(step.step, step.input) === name)
    if (duplicate !== undefined)
      throw this.#wrong(
        `"${duplicate.title}" and "${title}" are both addressed as ${name}`,
        'give each its own name',
      )
  }

  /** @param subject subject of the error message */
  #checkNeeds(subject: string, taken: readonly TakenOutput[]): void {
    for (const { $ref: id, maybe } of taken) {
      const source = this.#steps.find((step) => step.id === id)
      if (source === undefined)
        throw this.#wrong(
          `${subject} takes the output of "${id}", which is not a step of this runbook`,
          'use refs of the same script',
        )
      if (source.group !== null && source.group === this.#group) {
        throw this.#wrong(
          `${subject} takes the output of "${source.title}", which runs at the same time`,
          'take one of them out of parallel(…)',
        )
      }
      const shared = source.only.every((branch) =>
        this.#only.some((mine) => canonical(mine as Json) === canonical(branch as Json)),
      )
      if (!shared && maybe !== true) {
        throw this.#wrong(
          `${subject} takes the output of "${source.title}", which only one branch produces`,
          'move it into that branch of when(…), or wrap the ref in maybe(…)',
        )
      }
    }
  }

  #inGroup<T>(title: string, record: () => T): T {
    this.#refuse(groupFault(title, record))
    if (this.#group !== null)
      throw this.#wrong(`parallel "${title}" is inside another`, 'move its steps into the outer one')
    if (this.#groups.has(title))
      throw this.#wrong(`two groups are titled "${title}"`, 'give each parallel(…) its own title')
    this.#groups.add(title)
    this.#group = title
    try {
      return this.#notAsync(record(), `parallel "${title}"`)
    } finally {
      this.#group = null
    }
  }

  /** Node fires a timer of more than `longestSeconds` after 1 ms. */
  #checkPatience(
    title: string,
    {
      timeoutSeconds,
      retry,
    }: { readonly timeoutSeconds?: number | undefined; readonly retry?: StepOptions['retry'] },
  ): void {
    const fits = (value: number, least: number): boolean => value >= least && value <= longestSeconds
    if (timeoutSeconds !== undefined && !(timeoutSeconds > 0 && fits(timeoutSeconds, 0))) {
      throw this.#wrong(
        `invalid timeout of "${title}": ${timeoutSeconds} s`,
        `use more than 0 and at most ${longestSeconds} seconds`,
      )
    }
    if (retry === undefined) return
    if (!Number.isInteger(retry.times) || !fits(retry.times, 0))
      throw this.#wrong(`invalid retry.times of "${title}": ${retry.times}`, 'use a non-negative integer')
    if (!fits(retry.delaySeconds, 0))
      throw this.#wrong(
        `invalid retry.delaySeconds of "${title}": ${retry.delaySeconds}`,
        `use 0 to ${longestSeconds} seconds`,
      )
  }

  #branch(
    value: unknown,
    cases: { readonly [key: string]: () => unknown },
  ): { readonly [key: string]: unknown } {
    const address = addressOf(value)
    if (address === undefined) {
      throw this.#wrong(
        'when(…) got a plain value',
        'use an ordinary if for values of the configuration, and when(ref, …) for params and outputs',
      )
    }
    this.#refuse(casesFault(cases))
    if (this.#group !== null)
      throw this.#wrong('when(…) is inside parallel(…)', 'move parallel(…) inside the branches')
    if ('$ref' in address) this.#checkNeeds('when(…)', [address])
    const outer = this.#only
    const pivot = this.#pivot
    const returned: Record<string, unknown> = {}
    for (const [is, record] of Object.entries(cases)) {
      this.#only = [...outer, { value: address, is }]
      try {
        returned[is] = this.#notAsync(record(), `the branch ${is} of when(…)`)
      } finally {
        this.#only = outer
      }
    }
    if (this.#pivot !== pivot)
      throw this.#wrong('pointOfNoReturn(…) is in a branch', 'move it out of when(…)')
    return returned
  }

  #mark(because: string): void {
    this.#refuse(pivotFault(because))
    if (this.#pivot !== null) throw this.#wrong('there are two points of no return', 'keep the first')
    if (this.#group !== null)
      throw this.#wrong('pointOfNoReturn(…) is inside parallel(…)', 'move it before or after parallel(…)')
    if (this.#steps.some((step) => step.phase === 'lastly'))
      throw this.#wrong('pointOfNoReturn(…) follows a lastly step', 'move lastly(…) to the end')
    this.#pivot = { before: this.#steps.length, because }
  }

  #addressed(value: unknown, title: string, path = 'input'): Json {
    const address = addressOf(value)
    if (address !== undefined) return address
    if (Array.isArray(value))
      return value.map((item, index) => this.#addressed(item, title, `${path}[${index}]`))
    if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
      if (isAddress(value as Json))
        throw this.#wrong(`${path} of "${title}" has a key $ref or $param`, 'rename the key')
      return Object.fromEntries(
        Object.entries(value).map(([key, part]) => [key, this.#addressed(part, title, `${path}.${key}`)]),
      )
    }
    if (value instanceof Secret)
      throw this.#wrong(
        `${path} of "${title}" is a secret`,
        'pass its handle, from param.secret(…) or secret(…)',
      )
    if (!isJson(value))
      throw this.#wrong(
        `${path} of "${title}" is ${value === undefined ? 'undefined' : 'not JSON'}`,
        'pass text, numbers, lists, objects or refs',
      )
    return value
  }

  #notAsync<T>(returned: T, subject: string): T {
    if (!(returned instanceof Promise)) return returned
    // Avoids an unhandled rejection: nothing else awaits it.
    returned.catch(() => undefined)
    throw this.#wrong(`${subject} is async`, 'record steps one after another; nothing needs to be awaited')
  }

  #refuse(fault: { readonly what: string; readonly hint: string } | null): void {
    if (fault !== null) throw this.#wrong(fault.what, fault.hint)
  }

  #wrong(what: string, hint: string): RunbookError {
    return new RunbookError('usage', `cannot record the runbook ${this.#book.name}: ${what}`, {
      hint,
      by: 'author',
    })
  }
}

/** Name of a step on the command line, as in `--answer NAME=TEXT` for a duty; null if it has none. */
export function addressOfStep(
  { addressedBy }: Pick<AnyStep, 'addressedBy'>,
  input: JsonObject,
): string | null {
  const name = addressedBy === undefined ? null : input[addressedBy as string]
  return typeof name === 'string' ? name : null
}

export function addressesIn(value: Json): readonly Address[] {
  if (isAddress(value)) return [value]
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(addressesIn)
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(addressesIn)
  return []
}
