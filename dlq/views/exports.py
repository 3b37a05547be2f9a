"""The letters that match as a file."""

from django.http import Http404, HttpRequest, StreamingHttpResponse

from dlq import export
from dlq.filters import LetterFilter
from dlq.models import Letter
from kit.permissions import Permission
from kit.security import require


@require(Permission.READ)
def letters(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """`dead-letters.csv` or `.ndjson`, by the filter of the list."""
    if form not in export.FORMATS:
        raise Http404("CSV and NDJSON are what there is")
    found = LetterFilter.from_query(request.GET).apply(Letter.objects.all())
    answer = StreamingHttpResponse(export.lines(found, form), content_type=export.FORMATS[form])
    answer["Content-Disposition"] = f'attachment; filename="dead-letters.{form}"'
    return answer
