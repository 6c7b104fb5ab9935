import { isRemote, openingOf, placeName } from '../../../model/backup-place.ts'
import { composeLine } from '../../../model/compose-line.ts'
import { throwawayImage } from '../../../model/throwaway-image.ts'
import { Notebook, type Check } from '../check.ts'

export const images: Check = {
  id: 'images',
  of: 'target',
  looksAt: 'The images of the services and of the throwaway server are on this machine.',
  run: async ({ target: { stack, writers, restoreTest, backups, database }, look }) => {
    const notes = new Notebook()
    if (stack?.kind === 'compose' && writers !== undefined) {
      const declared = await notes.seek('images of the services', () => look.services.declared(writers))
      if (declared !== undefined) notes.fact(`${declared.length} images of services`)
      for (const { service, image } of declared ?? []) {
        if (image === null) continue
        const found = await notes.seek(image, () => look.images.find(image))
        if (found === null)
          notes.warn(
            image,
            `${service} is declared with ${image}, which is not on this machine`,
            `${composeLine(stack, `pull ${service}`)}; without it the service cannot be created again`,
          )
      }
    }
    if (restoreTest === undefined || backups === undefined || database?.engine !== 'postgres')
      return notes.answer
    if (isRemote(backups)) {
      notes.unchecked(
        'throwaway image',
        `its version follows from the newest dump, which is in ${placeName(backups)}`,
      )
      return notes.answer
    }
    const [newest] = (await notes.seek('newest dump', () => look.backups.list(backups))) ?? []
    if (newest === undefined) {
      notes.unchecked('throwaway image', 'its version follows from the newest dump, and there is none')
      return notes.answer
    }
    const header = await notes.seek('throwaway image', () =>
      look.databases.header({ engine: 'postgres' }, newest.file, {
        ...openingOf(backups),
        of: database.name,
      }),
    )
    if (header === undefined) return notes.answer
    const found = await notes.seek('throwaway image', () => throwawayImage(look, restoreTest, header))
    if (found === undefined) return notes.answer
    const { image, missing } = found
    if (missing)
      notes.refuse(
        image,
        `${newest.name} requires Postgres ${header.major}, and the image ${image} is not on this machine`,
        `docker pull ${image}; or set restoreTest.image in runbook.config.ts to one that is here`,
      )
    else notes.fact(`${image} is here`)
    return notes.answer
  },
}
