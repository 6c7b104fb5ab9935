import { shellWord } from '../../../kernel/shell-quote.ts'
import { unignoredAdvice } from '../../../model/unignored.ts'
import { Notebook, type Check } from '../check.ts'
import { pruneOf } from '../cures.ts'

/** Less than a run with long logs may need. */
const littleRoom = 64 << 20

export const journal: Check = {
  id: 'journal',
  of: 'machine',
  looksAt: 'The journal opens, the entries of its newest runs are intact, and its disk has room.',
  run: async (subject) => {
    const { journal: facts, host, look } = subject
    const notes = new Notebook()
    if (facts.problem !== null) {
      const { message, hint } = facts.problem
      notes.refuse('journal', message, hint ?? `check: ls -la ${shellWord(host.state)}`)
      return notes.answer
    }
    for (const [run, why] of facts.damaged) {
      const [line] = await facts.runs({ id: run })
      if (line?.released === false)
        notes.refuse(
          run,
          why,
          `keep a copy of ${host.state}; \`runbook evidence verify ${run}\` shows what its evidence still proves`,
        )
    }
    const skipped = facts.total - facts.checked
    notes.fact(`${facts.total} runs`)
    if (skipped > 0) notes.fact(`${skipped} older ones were not checked`)
    for (const folder of [host.state, host.artifacts]) {
      const free = await notes.need(folder, () => look.files.freeBytes(folder))
      if (free !== undefined && free < littleRoom)
        notes.refuse(
          folder,
          `${folder} has ${Math.floor(free / 1e6)} MB free: a run may not be recorded`,
          `make room: ${pruneOf(subject, ', or ')}df -h and du -sh`,
        )
    }
    // Where evidence belongs in the repository, that is how it should be: a hint, and no warning.
    const advice = await unignoredAdvice(look, host.artifacts, 'evidence')
    if (advice !== null) notes.fact(advice)
    return notes.answer
  },
}
