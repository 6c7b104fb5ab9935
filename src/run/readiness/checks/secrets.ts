import { handlesIn } from '../../../drivers/secrets.ts'
import type { Json } from '../../../kernel/json.ts'
import { Notebook, type Check } from '../check.ts'

export const secrets: Check = {
  id: 'secrets',
  of: 'target',
  looksAt: 'Each secret that the target names can be read. Values are not shown.',
  run: async ({ target, look }) => {
    const notes = new Notebook()
    const handles = new Map(
      handlesIn(target as unknown as Json).map((handle) => [JSON.stringify(handle), handle]),
    )
    for (const handle of handles.values()) {
      const there = await notes.need(handle.secret, () => look.secrets.available(handle))
      if (there === true) notes.fact(`${handle.secret} is available`)
      if (there !== false) continue
      const where = 'env' in handle.from ? `variable ${handle.from.env}` : `file ${handle.from.file}`
      notes.refuse(
        handle.secret,
        `secret ${handle.secret} is not available: ${where} is missing or shorter than 8 bytes`,
        `set ${where}, also for the account and the timer that run this`,
        [`secret ${handle.secret} `, `secret ${handle.secret}:`],
      )
    }
    return notes.answer
  },
}
