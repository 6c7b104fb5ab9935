import type { RestoreTest } from '../sections/restore-test.ts'
import type { Look } from './step.ts'

/** What a throwaway server is made from for dumps of a major version of Postgres. */
export async function throwawayImage(
  look: Pick<Look, 'images' | 'services'>,
  by: RestoreTest,
  dump: { readonly major: number },
): Promise<{ readonly image: string; readonly missing: boolean }> {
  const own = await ownImage(look, by)
  const image = own ?? imageOfMajor(by, dump)
  return { image, missing: own === null && (await look.images.find(image)) === null }
}

/** The image of the database's own service, as declared or, where it is built, as it runs; null if it is not here. */
async function ownImage(
  look: Pick<Look, 'images' | 'services'>,
  { imageOf }: RestoreTest,
): Promise<string | null> {
  if (imageOf === undefined) return null
  const group = { stack: imageOf.stack, names: [imageOf.service] }
  const [declared] = await look.services.declared(group)
  const [state] = declared?.image == null ? await look.services.states(group) : []
  const image = declared?.image ?? state?.instances[0]?.imageId ?? null
  return image === null || (await look.images.find(image)) === null ? null : image
}

/** The configured image, with the major version filled in. */
export const imageOfMajor = (
  { image }: Pick<RestoreTest, 'image'>,
  { major }: { readonly major: number },
): string => image.replaceAll('{major}', String(major))
