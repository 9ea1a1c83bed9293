// A process that runs orders one after the other, as it is told by messages, and says which case it begins: who waits
// for it can then say what it was that did not end.

import type { CampaignResult } from './campaign.ts';
import { describeCase } from './describe.ts';
import { startOracle } from './oracle.ts';
import { type Order, runOrder } from './order.ts';

export type ChildMessage =
  | { readonly kind: 'case'; readonly description: string }
  | { readonly kind: 'result'; readonly result: CampaignResult };

const oracle = startOracle();
const send = (message: ChildMessage): void => void process.send?.(message);

process.on('message', async (order: Order) => {
  const result = await runOrder(order, oracle, (fuzzCase) =>
    send({ kind: 'case', description: describeCase(fuzzCase) }),
  );
  send({ kind: 'result', result });
});
// Without its parent there is nobody to report to.
process.on('disconnect', () => {
  oracle.close();
  process.exit(0);
});
