import { place, placeOf } from './parts/place.ts'
import { section } from './parts/section.ts'

export const backups = section({
  about: "Where the database's dumps arrive. Required to restore anything.",
  schema: place,
  example: { directory: './backups', pattern: 'shop_{time}.dump', maxAge: '26h', minBytes: '100KiB' },
  resolve: placeOf,
})
