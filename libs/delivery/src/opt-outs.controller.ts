import { Body, Controller, Query } from '@nestjs/common';
import { Caller, Route, type AnswerOf, type BodyOf, type Principal, type QueryOf } from '#accounts';
import { routes, type OptOut, type Routes } from '#api';
import { OptOuts } from './opt-outs.service.js';

/** Who may not be written to. */
@Controller()
export class OptOutsController {
  constructor(private readonly optOuts: OptOuts) {}

  @Route(routes.listOptOuts)
  async list(
    @Caller() caller: Principal,
    @Query() query: QueryOf<Routes['listOptOuts']>,
  ): Promise<AnswerOf<Routes['listOptOuts']>> {
    return await this.optOuts.page(caller, query);
  }

  @Route(routes.setOptOut)
  async set(@Caller() caller: Principal, @Body() body: BodyOf<Routes['setOptOut']>): Promise<OptOut> {
    return await this.optOuts.set(caller, body);
  }
}
