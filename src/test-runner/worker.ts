// A process that runs test cases one after the other, as it is told by messages: a case that takes the process down
// (endless, out of memory, a stack too deep) takes nothing else with it.

import type { TestCase } from './cases.ts';
import { runCase, type TestSettings } from './run-case.ts';

export interface Order {
  readonly test: TestCase;
  readonly settings: TestSettings;
}

process.on('message', async (order: Order) => {
  process.send?.(await runCase(order.test, order.settings));
});
// Without its parent there is nobody to report to.
process.on('disconnect', () => process.exit(0));
