import type { Check } from '../check.ts'
import { addresses } from './addresses.ts'
import { backups } from './backups.ts'
import { clock } from './clock.ts'
import { database } from './database.ts'
import { drills } from './drills.ts'
import { files } from './files.ts'
import { images } from './images.ts'
import { journal } from './journal.ts'
import { keys } from './keys.ts'
import { locks } from './locks.ts'
import { programs } from './programs.ts'
import { room } from './room.ts'
import { runbooks } from './runbooks.ts'
import { runs } from './runs.ts'
import { secrets } from './secrets.ts'
import { services } from './services.ts'
import { symptoms } from './symptoms.ts'

/**
 * All checks, in the order in which they are reported. A problem belongs to the first check that finds it, so
 * what explains most comes first.
 */
export const checks: readonly Check[] = [
  journal,
  keys,
  files,
  programs,
  secrets,
  services,
  database,
  addresses,
  backups,
  images,
  room,
  clock,
  locks,
  runs,
  drills,
  runbooks,
  symptoms,
]
