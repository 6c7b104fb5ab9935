import { Notebook, type Check } from '../check.ts'

export const keys: Check = {
  id: 'keys',
  of: 'machine',
  looksAt: 'The key that signs evidence is private, readable, trusted and not expired.',
  run: async ({ host, target }) => {
    const notes = new Notebook()
    const key = await notes.need('key', () => host.key())
    if (key?.fingerprint != null) notes.fact(key.fingerprint)
    if (key?.is === 'none') {
      notes.fact('no key yet; the first run creates it')
      if (target.backups?.require === 'signed')
        notes.refuse(
          'key',
          `only signed backups of ${target.name} are accepted, and this machine has no key to verify them with`,
          `copy allowed_signers of the machine that signs them to ${host.state}`,
        )
    }
    return notes.answer
  },
}
