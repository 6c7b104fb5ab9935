import { plainConductor } from '../../src/testing/conductor.ts'
import { conductorContract } from './conductor.contract.ts'

conductorContract('a plain loop', () => plainConductor)
