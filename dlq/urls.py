"""The pages of dead letters and replays."""

from django.urls import path

from dlq.views import (
    actions,
    edit,
    exports,
    group_actions,
    groups,
    letters,
    replay_actions,
    replays,
)

app_name = "dlq"
urlpatterns = [
    path("dead-letters", groups.groups, name="groups"),
    path("dead-letters/groups/<int:group_id>", groups.group, name="group"),
    path("dead-letters/groups/<int:group_id>/<str:verb>", group_actions.say, name="group_say"),
    path("dead-letters/export.<str:form>", exports.letters, name="export"),
    path("dead-letters/plan", actions.plan_replay, name="plan"),
    path("dead-letters/discard", actions.discard_letters, name="discard"),
    path("dead-letters/<int:letter_id>", letters.letter, name="letter"),
    path("dead-letters/<int:letter_id>/edit", edit.edit, name="letter_edit"),
    path("dead-letters/<int:letter_id>/replay", actions.replay_letter, name="letter_replay"),
    path("dead-letters/<int:letter_id>/discard", actions.discard_letter, name="letter_discard"),
    path("replays", replays.replays, name="replays"),
    path("replays/<int:replay_id>", replays.replay, name="replay"),
    path("replays/<int:replay_id>/choose", replay_actions.choose, name="replay_choose"),
    path("replays/<int:replay_id>/decide", replay_actions.decide, name="replay_decide"),
    path("replays/<int:replay_id>/ramp", replay_actions.ramp, name="replay_ramp"),
    path("replays/<int:replay_id>/rate", replay_actions.rate, name="replay_rate"),
    path("replays/<int:replay_id>/<str:verb>", replay_actions.move, name="replay_move"),
    path("replays/items/<int:item_id>/settle", replay_actions.settle, name="item_settle"),
]
