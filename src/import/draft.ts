import type { Facts, SectionName } from './facts.ts'
import { comment } from './literal.ts'
import { callText, mentions } from './call-text.ts'

/** The steps of one runbook while it is written. */
export interface Draft {
  readonly facts: Facts
  /** A section of its target, as an expression. */
  need(section: SectionName): string
  /** A parameter of the runbook, as an expression. */
  param(name: string, code: string): string
  /** Writes a step, and returns the name of its output. */
  add(step: string, title: string, input: string): string
  /**
   * As `add`, unless the runbook has this step already. The steps that its input needs are written first.
   * @param key what makes it the same step: its title unless given
   */
  once(step: string, title: string, input: () => string, key?: string): string
  /** The name of the output of the last such step; null without one. */
  output(step: string): string | null
  /** The step no longer holds, as a stop after a start: the next use writes it again. */
  forget(step: string): void
  /** What the next start of services has to make effective; null for a mere start. */
  edit: Edit | null
  /** Image names that the next start of services has to make effective. */
  moved: readonly MovedName[]
  /** The approval of a person, once: written before the first step that acts, after the steps that it shows. */
  ask(input: string, showing: readonly string[]): void
  /** What cannot be undone: written after the point of no return, once each. Returns the name of its output. */
  last(step: string, title: string, input: string): string
  /** A comment. */
  note(text: string): void
  /** At the end of every run. */
  lastly(step: string, title: string, input: string): void
}

/** An edited file or variable, as the input of `bringUp`. */
export type Edit = { readonly services: string; readonly choice: string; readonly image: string | null }

/** An image name that is pointed at another image: the outputs of the steps that find and tag it. */
export type MovedName = { readonly name: string; readonly image: string; readonly tagged: string }

type Written = {
  readonly lines: readonly string[]
  readonly sections: readonly SectionName[]
  readonly steps: readonly string[]
  readonly params: readonly string[]
  readonly calls: readonly WrittenCall[]
}

/** A step of the runbook, and the line of the document that led to it. */
export type WrittenCall = { readonly step: string; readonly input: string; readonly line: number | null }

type Entry =
  | { readonly note: string }
  | {
      readonly name: string | null
      readonly call: 'step' | 'lastly'
      readonly title: string
      readonly step: string
      readonly input: string
      readonly line: number | null
    }

export class RunbookDraft implements Draft {
  readonly facts: Facts
  /** The line of the document that is being written. */
  line: number | null = null
  edit: Edit | null = null
  moved: readonly MovedName[] = []
  readonly #entries: Entry[] = []
  #approval: { readonly entry: Entry; readonly showing: readonly string[] } | null = null
  readonly #final: Entry[] = []
  readonly #always: Entry[] = []
  readonly #sections = new Set<SectionName>()
  readonly #params = new Map<string, string>()
  readonly #latest = new Map<string, string>()
  readonly #keys = new Map<string, string>()
  readonly #names = new Set<string>()
  readonly #titles = new Set<string>()

  constructor(facts: Facts) {
    this.facts = facts
  }

  need(section: SectionName): string {
    this.#sections.add(section)
    return `target.${section}`
  }

  param(name: string, code: string): string {
    this.#params.set(name, code)
    return `params.${name}`
  }

  add(step: string, title: string, input: string): string {
    const name = free(outputNames[step] ?? `${step}Output`, this.#names, String)
    this.#latest.set(step, name)
    this.#entries.push({
      name,
      call: 'step',
      title: free(title, this.#titles, (number) => ` (${number})`),
      step,
      input,
      line: this.line,
    })
    return name
  }

  once(step: string, title: string, input: () => string, key = title): string {
    const there = this.#keys.get(`${step} ${key}`)
    if (there !== undefined) return there
    const name = this.add(step, title, input())
    this.#keys.set(`${step} ${key}`, name)
    return name
  }

  output(step: string): string | null {
    return this.#latest.get(step) ?? null
  }

  forget(step: string): void {
    this.#latest.delete(step)
    for (const key of this.#keys.keys()) if (key.startsWith(`${step} `)) this.#keys.delete(key)
  }

  ask(input: string, showing: readonly string[]): void {
    if (this.#approval !== null) return
    const title = free('Ask the operator', this.#titles, (number) => ` (${number})`)
    this.#approval = {
      entry: { name: null, call: 'step', title, step: 'approval', input, line: this.line },
      showing,
    }
  }

  last(step: string, title: string, input: string): string {
    return this.#addOnce(this.#final, 'step', step, title, input)
  }

  lastly(step: string, title: string, input: string): void {
    this.#addOnce(this.#always, 'lastly', step, title, input)
  }

  /** A comment. */
  note(text: string): void {
    this.#entries.push({ note: text })
  }

  /** How much it has: unchanged if a command needed no step of its own. */
  get size(): number {
    return this.#entries.length + this.#final.length + this.#always.length
  }

  written(): Written {
    const entries = this.#withApproval()
    const calls = [...entries, ...this.#final, ...this.#always].filter((entry) => 'step' in entry)
    const isUsed = (name: string): boolean => calls.some(({ input }) => mentions(input, name))
    const text = (entry: Entry): readonly string[] =>
      'note' in entry
        ? [comment(entry.note)]
        : callText({ ...entry, name: entry.name !== null && isUsed(entry.name) ? entry.name : null })
    return {
      lines: [
        ...entries.flatMap(text),
        ...(this.#final.length === 0 ? [] : ["pointOfNoReturn('What follows cannot be undone.')"]),
        ...this.#final.flatMap(text),
        ...this.#always.flatMap(text),
      ],
      sections: [...this.#sections],
      steps: [...new Set(calls.map(({ step }) => step))].toSorted(),
      params: [...this.#params].map(([name, code]) => `${name}: ${code},`),
      calls,
    }
  }

  #addOnce(list: Entry[], call: 'step' | 'lastly', step: string, title: string, input: string): string {
    const there = list.find((entry) => 'step' in entry && entry.step === step)
    if (there !== undefined && 'step' in there) return there.name ?? ''
    const name = free(outputNames[step] ?? `${step}Output`, this.#names, String)
    list.push({
      name,
      call,
      title: free(title, this.#titles, (number) => ` (${number})`),
      step,
      input,
      line: this.line,
    })
    return name
  }

  /** What the approval shows is found out before it, so those steps move up; duties stay where they are. */
  #withApproval(): readonly Entry[] {
    if (this.#approval === null) return this.#entries
    const { entry: approval, showing } = this.#approval
    const isShown = (entry: Entry): boolean => 'step' in entry && showing.includes(entry.name ?? '')
    const rest = this.#entries.flatMap((entry, index, all) => {
      if (!isShown(entry)) return [entry]
      // A command that has another step here needs no note.
      const next = all.slice(index + 1).find((one) => !isShown(one))
      return next !== undefined && 'step' in next
        ? []
        : [{ note: 'Done above, before the operator is asked.' }]
    })
    let at = rest.findIndex((entry) => 'step' in entry && entry.step !== 'duty')
    if (at < 0) at = rest.length
    // The comments of a step stay above it.
    while (at > 0 && 'note' in (rest[at - 1] ?? approval)) at -= 1
    return [...rest.slice(0, at), ...this.#entries.filter(isShown), approval, ...rest.slice(at)]
  }
}

/** The text itself, or with the first number that makes it unique. */
export function free(wanted: string, taken: Set<string>, ending: (number: number) => string): string {
  for (let number = 1; ; number += 1) {
    const one = number === 1 ? wanted : `${wanted}${ending(number)}`
    if (taken.has(one)) continue
    taken.add(one)
    return one
  }
}

/** Names of outputs that read well in the input of a later step. */
const outputNames: { readonly [step: string]: string } = {
  stopServices: 'stopped',
  verifyDump: 'archive',
  restoreBeside: 'copy',
  assertCopy: 'proven',
  assertRestored: 'proven',
  compareContents: 'live',
  swapDatabase: 'old',
  openReplaced: 'replaced',
  chooseDump: 'dump',
  chooseBundle: 'bundle',
  verifyRelease: 'verified',
  draftRelease: 'release',
  writeReleaseUrl: 'lock',
  uploadAssets: 'uploaded',
  readAssets: 'readBack',
  downloadRelease: 'fetched',
  packData: 'packed',
  encryptArchive: 'encrypted',
  fileBackup: 'filed',
  startThrowaway: 'throwaway',
  readDump: 'read',
  createRoles: 'roles',
  restoreIntoThrowaway: 'restored',
  verifyBackup: 'found',
  makeStaging: 'staging',
  decryptBackup: 'readable',
  unpackBackup: 'unpacked',
  examineBackup: 'backup',
  keepVolumeDatabase: 'kept',
  swapVolumeDatabase: 'swapped',
  mergeRows: 'merged',
  chooseTag: 'chosen',
  fetchImage: 'image',
  setVariable: 'edited',
  tagImages: 'tagged',
  setImage: 'edited',
  replaceConfig: 'edited',
  earlierVersion: 'version',
  assessMigrations: 'assessment',
  dumpDatabase: 'fallback',
  downgradeCopy: 'lowered',
  unpack: 'unpacked',
  runUnpacked: 'run',
  moveAside: 'aside',
  chooseTree: 'tree',
  openTree: 'opened',
  findInTree: 'document',
  compareFile: 'compared',
}
