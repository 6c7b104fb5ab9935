import { partName, partKey, type LockPart } from '../../../drivers/locks.ts'
import { lockPartsOf } from '../../engine/lock-parts.ts'
import { Notebook, type Check } from '../check.ts'

export const locks: Check = {
  id: 'locks',
  of: 'target',
  looksAt: 'Nobody holds a lock on anything that a runbook would change, and each can be locked.',
  run: async ({ locks: view, plans }) => {
    const notes = new Notebook()
    const parts = new Map<string, LockPart>()
    for (const { planned } of plans)
      for (const part of lockPartsOf(planned.plan)) parts.set(partKey(part), part)
    for (const part of parts.values()) {
      const seen = await notes.seek(partName(part), () => view.look(part))
      if (seen?.is === 'held')
        notes.warn(
          partName(part),
          `${partName(part)} is held by ${seen.by === null ? 'another run, whose name cannot be read' : `run ${seen.by.run} (${seen.by.by} on ${seen.by.host}, since ${seen.by.since})`}`,
          'no other run can start before it ends; on that machine: runbook status',
        )
      if (seen?.is !== 'unavailable') continue
      if (seen.down === undefined)
        notes.warn(
          'lock',
          `other people and machines are not excluded from ${partName(part)}: it cannot be locked: ${seen.why}`,
          seen.hint,
        )
      else notes.unchecked(partName(part), seen.why)
    }
    if (parts.size > 0) notes.fact(`${parts.size} parts looked at`)
    return notes.answer
  },
}
