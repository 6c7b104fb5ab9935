import type { Asset, JsonObject } from '../../../src/index.ts'

/** A file of a published release. `there`: it was in the folder before, so an undo leaves it. */
export type Part = JsonObject & { readonly asset: Asset; readonly file: string; readonly there: boolean }
